"""The fault-injection suite at the size of a test, and its report as the documentation quotes it."""

from __future__ import annotations

import orjson
import pytest

from tests.chaos.__main__ import SCENARIOS, WITHOUT_REDIS, Scenario, name_of
from tests.chaos.report import BEGIN, DOCUMENT, END, REPORT, render
from tests.chaos.rig import Scale

# The proofs on the model have tests of their own.
SMALL = tuple(scenario for scenario in SCENARIOS if scenario not in WITHOUT_REDIS)


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
