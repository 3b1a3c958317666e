"""The fault-injection suite at the size of a test, and its report as the documentation quotes it."""

from __future__ import annotations

import orjson
import pytest

from tests.chaos import crashes, extremes, failovers, history, outages
from tests.chaos.__main__ import Scenario, name_of
from tests.chaos.report import BEGIN, DOCUMENT, END, REPORT, render
from tests.chaos.rig import Scale

SMALL: tuple[Scenario, ...] = (
    crashes.server_crashes,
    crashes.joins,
    crashes.cut_replies,
    crashes.redis_crashes,
    history.truncated_files,
    failovers.failovers,
    failovers.replicated,
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


@pytest.mark.timeout(180)
@pytest.mark.parametrize("scenario", SMALL, ids=name_of)
async def test_nobody_is_told_anything_but_the_truth(scenario: Scenario) -> None:
    outcome = await scenario(Scale(full=False))
    assert outcome.violations == 0, outcome.figures


def test_the_documentation_quotes_the_report() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    quoted = text.partition(BEGIN)[2].partition(END)[0].strip()
    assert quoted == render(orjson.loads(REPORT.read_bytes()))


def test_every_run_in_the_report_is_clean() -> None:
    for name, run in orjson.loads(REPORT.read_bytes()).items():
        assert run["violations"] == 0, f"{name} is violated"
