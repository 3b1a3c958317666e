"""The benchmark in its small form: nothing is lost, and its report can be made into a page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.report import document

SCENARIOS = ("burst", "storm", "stalled", "workers")


@pytest.mark.timeout(180)
@pytest.mark.skipif(shutil.which("cc") is None and os.environ.get("CI") != "true", reason="there is no C compiler here")
def test_nothing_is_lost(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "bench", "--small", "--only", *SCENARIOS, "--report", str(report)]

    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    page = document(json.loads(report.read_text()))
    assert "## Burst: 100 readers, 50 items at once" in page
    assert page.count("livefeed") > 5


def test_the_page_is_that_of_the_report() -> None:
    root = Path(__file__).parents[1]

    assert (root / "docs" / "benchmarks.md").read_text() == document(json.loads((root / "bench-report.json").read_text()))
