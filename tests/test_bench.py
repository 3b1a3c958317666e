"""The benchmark in its small form: nothing is lost, and its report can be made into a page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.goals import Verdict, losses, verdicts
from bench.measure import median_of
from bench.pictures import pictures
from bench.report import document
from bench.scenarios import SCENARIOS
from bench.sections import SECTIONS

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(shutil.which("cc") is None and os.environ.get("CI") != "true", reason="there is no C compiler here")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_is_lost(scenario: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    command = [sys.executable, "-m", "bench", "--small", "--only", scenario, "--report", str(path)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    report = json.loads(path.read_text())
    assert list(report["scenarios"]) == [scenario]
    rows = report["scenarios"][scenario]["rows"]
    assert rows
    page = document(report)
    assert SECTIONS[scenario](rows, report) in page
    assert "its times say nothing" in page
    assert all(f"(images/bench-{name}.svg)" in page for name in pictures(report))


def test_the_page_is_that_of_the_report() -> None:
    assert (ROOT / "docs" / "benchmarks.md").read_text() == document(json.loads((ROOT / "bench-report.json").read_text()))


ROW: dict[str, Any] = {
    "scenario": "burst", "server": "livefeed", "wire": "sse", "expected": 2, "fewest": 2, "most": 2, "refused": 0, "broken": 0,
    "others": {"fewest": 0, "most": 0},
}  # fmt: skip


def report(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"scenarios": {"burst": {"rows": list(rows)}}}


@pytest.mark.parametrize(
    ("said", "lost"),
    [
        ({}, []),
        ({"fewest": 1}, ["burst over sse: 1 to 2 of 2 events"]),
        ({"most": 3}, ["burst over sse: 2 to 3 of 2 events"]),
        ({"broken": 4}, ["burst over sse: 0 readers were refused, 4 cut off"]),
        ({"others_expected": 5}, ["burst over sse: others' 0 to 0 of 5 events"]),
        ({"server": "nchan", "fewest": 0}, []),
    ],
)
def test_a_loss_is_livefeeds_own(said: dict[str, Any], lost: list[str]) -> None:
    assert losses(report({**ROW, **said})) == lost


def test_no_goal_is_met_that_was_not_measured() -> None:
    unmeasured = [verdict for verdict in verdicts(report()) if verdict.figure is None]

    assert len(unmeasured) == len(verdicts(report())) - 1
    assert {verdict.said for verdict in unmeasured} == {"not measured"}


@pytest.mark.parametrize(
    ("figure", "at_least", "met"), [(2, False, True), (2.1, False, False), (2, True, True), (1.9, True, False)]
)
def test_a_bound_is_within(figure: float, at_least: bool, met: bool) -> None:
    assert Verdict("goal", 2, "×", figure, at_least=at_least).met is met


def test_counts_are_the_worst_of_the_rounds_and_times_their_median() -> None:
    rounds: list[Any] = [
        {"fewest": few, "most": 9 - few, "latency_ms": {"p99": late}} for few, late in ((3, 10.0), (1, 30.0), (2, 20.0))
    ]

    assert median_of(rounds) == {"fewest": 1, "most": 8, "latency_ms": {"p99": 20.0}}
