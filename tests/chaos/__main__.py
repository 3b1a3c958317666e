"""python -m tests.chaos [--small] [--redis PROGRAM] [--only NAME …] [--report FILE]"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from livefeed.log.engines import find_engine
from tests.chaos import crashes, extremes, failovers, history, outages, proofs
from tests.chaos.report import REPORT, save, update_document
from tests.chaos.rig import Outcome, Scale

__all__ = ["SCENARIOS", "WITHOUT_REDIS", "Scenario", "main", "name_of", "run"]

Scenario = Callable[[Scale], Awaitable[Outcome]]

SCENARIOS: tuple[Scenario, ...] = (
    crashes.server_crashes,
    crashes.worker_crashes,
    crashes.joins,
    proofs.model,
    proofs.simulation,
    proofs.mutants,
    crashes.cut_replies,
    crashes.redis_crashes,
    history.truncated_files,
    failovers.failovers,
    failovers.replicated,
    history.clean_restarts,
    history.strangers,
    history.missed_ranges,
    history.raw_entries,
    outages.outages,
    outages.limits,
    outages.lost_tails,
    outages.bad_network,
    outages.trimmed_replay,
    outages.junk_cursors,
    extremes.sizes,
    extremes.few_files,
    extremes.future_entries,
)

WITHOUT_REDIS = (proofs.model, proofs.simulation, proofs.mutants)


def name_of(scenario: Scenario) -> str:
    return getattr(scenario, "__name__", "")


async def run(scenario: Scenario, scale: Scale) -> dict[str, Any]:
    """One scenario, as the report has it."""
    # What was started is stopped by leaving its block, also when a run is broken off from outside.
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    began = time.monotonic()
    outcome = await scenario(scale)
    return {
        "title": (scenario.__doc__ or "").strip(),
        "order": SCENARIOS.index(scenario),
        "store": str(find_engine(Path(scale.program) if scale.program else None)),
        "size": "full" if scale.full else "small",
        "seconds": round(time.monotonic() - began, 1),
        "violations": outcome.violations,
        "figures": outcome.figures,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--small", action="store_true", help="the size that the test suite runs")
    parser.add_argument("--redis", help="the Redis to start instead of the embedded one")
    parser.add_argument("--only", nargs="+", choices=[name_of(scenario) for scenario in SCENARIOS], default=[])
    parser.add_argument("--report", type=Path, default=REPORT)
    wanted = parser.parse_args(arguments)
    scale = Scale(full=not wanted.small, program=wanted.redis)
    violations = 0
    for scenario in SCENARIOS:
        name = name_of(scenario)
        if (wanted.only and name not in wanted.only) or (wanted.redis and scenario in WITHOUT_REDIS):
            continue
        try:
            told = asyncio.run(run(scenario, scale))
        except asyncio.CancelledError:
            return 128 + signal.SIGTERM
        violations += told["violations"]
        save(wanted.report, {f"{name} on {told['store']}": told})
        sys.stdout.write(f"{name}: {told['violations']} violations in {told['seconds']} s {told['figures']}\n")
        sys.stdout.flush()
    if wanted.report == REPORT:
        update_document()
    return min(violations, 1)


if __name__ == "__main__":
    sys.exit(main())
