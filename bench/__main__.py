"""`python -m bench`: measure, write `bench-report.json`, and fail when anything was lost.

python -m bench [--small] [--only NAME …] [--repeat N] [--report FILE] [--bytes N]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from bench.machine import Machine, build
from bench.measure import Bench
from bench.scenarios import SCENARIOS, Row


def losses(rows: list[Row]) -> list[str]:
    """What did not arrive, or arrived twice. Times never fail a run; peers never do."""
    return [
        f"{row['scenario']} over {row['wire']}: {row['fewest']} to {row['most']} of {row['expected']} events"
        for row in rows
        if row["server"] == "livefeed" and row["expected"] and not row["fewest"] == row["most"] == row["expected"]
    ]


def earlier(report: Path, only: list[str]) -> list[Row]:
    """What a report has of scenarios that are not measured anew."""
    if not report.exists():
        return []
    return [row for row in json.loads(report.read_text())["rows"] if row["scenario"] not in only]


def allow_files(wanted: int = 65_536) -> int:
    """Let what is started open *wanted* files where this may be raised; how many it is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, wanted), max(hard, wanted)))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few seconds, for counts and losses only")
    parser.add_argument("--only", nargs="+", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--bytes", type=int, default=760, help="of JSON in one event, on every server")
    parser.add_argument("--report", type=Path, default=Path("bench-report.json"))
    options = parser.parse_args()
    print(f"open files: {allow_files():,}", file=sys.stderr)
    rows = earlier(options.report, options.only)
    with tempfile.TemporaryDirectory(prefix="livefeed-bench-") as name:
        folder = Path(name)
        bench = Bench(build(folder), folder, options.bytes, 1 if options.small else options.repeat, options.small)
        for scenario in options.only:
            began = time.monotonic()
            for row in SCENARIOS[scenario](bench):
                rows.append(row)
                print(
                    f"{row['scenario']:10} {row['server']:16} {row['wire']:3} {row['end']:8} {row['deliveries']:>9}",
                    file=sys.stderr,
                )
            print(f"{scenario}: {time.monotonic() - began:.0f} s", file=sys.stderr)
            # A run that is broken off leaves what it has measured.
            report = {"machine": asdict(Machine.here()), "bytes": options.bytes, "rows": rows}
            options.report.write_text(json.dumps(report, indent=1) + "\n")
    lost = losses(rows)
    for line in lost:
        print(f"lost: {line}", file=sys.stderr)
    print(f"{len(rows) - len(lost)} passed, {len(lost)} failed")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
