"""`python -m bench`: measures, writes `bench-report.json`, and fails if any event was lost.

python -m bench [--small] [--only NAME …] [--repeat N] [--report FILE] [--bytes N]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.goals import losses, verdicts
from bench.machine import Machine, build
from bench.measure import Bench, Row
from bench.scenarios import SCENARIOS
from bench.servers import LOAD_CORE

FILES = 65_536
"""Open files: more than 20,000 readers need at either end."""


def earlier(report: Path, only: list[str]) -> dict[str, Any]:
    """The report's results of the scenarios that are not measured again."""
    found = json.loads(report.read_text())["scenarios"] if report.exists() else {}
    return {name: said for name, said in found.items() if name not in only}


def expected_minutes(report: Path, only: list[str]) -> float:
    """How long the scenarios *only* took according to the report; scenarios that it lacks count 0."""
    found = json.loads(report.read_text())["scenarios"] if report.exists() else {}
    return sum(float(found[name]["seconds"]) for name in only if name in found) / 60


def allow_files() -> int:
    """Raise the open-file limit to `FILES` if permitted. Returns the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, FILES), max(hard, FILES)))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(soft, hard)


def measure(name: str, bench: Bench) -> dict[str, Any]:
    """One scenario: its rows, when they were measured, how long it took and how quiet the machine was."""
    began, at = time.monotonic(), datetime.now(UTC)
    rows: list[Row] = []
    for row in SCENARIOS[name](bench):
        rows.append(row)
        print(f"{name:10} {row['server']:16} {row['wire']:3} {row['end']:8} {row['deliveries']:>10}", file=sys.stderr)
    seconds = time.monotonic() - began
    print(f"{name}: {seconds:.0f} s", file=sys.stderr)
    return {"at": at.isoformat(timespec="seconds"), "seconds": round(seconds), "small": bench.small, "rows": rows}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a minute, for counts and losses only")
    parser.add_argument("--only", nargs="+", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--bytes", type=int, default=760, help="of JSON in one event, on every server")
    parser.add_argument("--report", type=Path, default=Path("bench-report.json"))
    options = parser.parse_args()
    # Servers are stopped when their block is left, so SIGTERM has to raise an exception.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    files = allow_files()
    print(f"open files: {files:,}", file=sys.stderr)
    if not options.small and (minutes := expected_minutes(options.report, options.only)):
        print(f"expected: {minutes:.0f} min, as the last time", file=sys.stderr)
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    report = {
        "machine": asdict(Machine.here()),
        "files": files,
        "bytes": options.bytes,
        "scenarios": earlier(options.report, options.only),
    }
    with tempfile.TemporaryDirectory(prefix="livefeed-bench-") as name:
        folder = Path(name)
        bench = Bench(build(folder), folder, options.bytes, 1 if options.small else options.repeat, options.small)
        for scenario in options.only:
            report["scenarios"][scenario] = measure(scenario, bench)
            # Written after each scenario, so that an interrupted run keeps its results.
            options.report.write_text(json.dumps(report, indent=1) + "\n")
    for verdict in verdicts(report):
        print(verdict, file=sys.stderr)
    rows = [row for said in report["scenarios"].values() for row in said["rows"]]
    lost = losses(report)
    for line in lost:
        print(f"lost: {line}", file=sys.stderr)
    print(f"{len(rows) - len(lost)} passed, {len(lost)} failed")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
