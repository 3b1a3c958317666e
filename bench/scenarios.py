"""The scenarios: the loads of an election night, one function each.

Every function yields rows. A row with `fewest` below `expected` is a loss, and fails the run whatever the times were.
"""

from __future__ import annotations

from bench.costs import compressed, growth
from bench.crowds import many, reconnect, stalled, workers
from bench.fanout import burst, memory, paced, storm

__all__ = ["SCENARIOS"]

SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (burst, paced, memory, storm, reconnect, stalled, many, workers, growth, compressed)
}
