"""Makes `docs/benchmarks.md` and its pictures from a report: `python -m bench.report bench-report.json docs/benchmarks.md`."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from bench.figures import Report
from bench.goals import verdicts
from bench.pictures import pictures
from bench.sections import SECTIONS, table

__all__ = ["document"]

_INTRODUCTION = """# Benchmarks

`make bench` measures these figures. This page and its pictures are generated from the report, `bench-report.json`, by
`python -m bench.report`. Each server was started and measured alone, pinned to one core; the readers, the publisher and Redis used the
other one. Everything went over loopback. An event had {bytes} bytes of JSON on every server; `bytes each` includes the framing of the
wire. Where a scenario was repeated, figures are medians, counts are the worst of all rounds, and servers that are compared took turns in
each round. `limit` is a C program that only calls `send()` with prepared bytes (`bench/limit.c`). `fewest` is the number of events that
the reader with the fewest got.

Machine: {processor}, {cores} cores, {memory_gib} GiB, Linux {kernel}, Python {python}.
"""

_HONESTY = """## What this does not show

- Loopback has no latency, no packet loss and no narrow links. TLS, HTTP/2 and proxies were not involved.
- Two cores do everything. The load generator, the publisher, Redis and the receiving half of the kernel share the second one, and over
  loopback the sender's CPU time includes the receiving of a packet. This applies to the limit as well, so compare ratios, and not with
  figures from other machines. `load generator` is the share of its core that the load generator used; above 90 %, the times are as much
  its own as the server's.
- CPU time is that of the processes that serve readers. The publisher is not included, and neither is Redis, which only Livefeed uses.
- The peers do less: only Livefeed stores, validates and filters items, and can tell a reader after a restart what it missed. The peers
  are short programs that follow their documentation (`bench/peers/`); an expert may make them faster.
- A ratio of two medians of three is accurate to about ± 15 %. A goal that is met or missed by less may turn out differently next time.
"""


def document(report: Report) -> str:
    """The page, of the report that `python -m bench` wrote."""
    parts = [_INTRODUCTION.format(**report["machine"], bytes=report["bytes"]), _goals(report), _HONESTY]
    for name, section in SECTIONS.items():
        if rows := report["scenarios"].get(name, {}).get("rows"):
            parts.append(section(rows, report))
    return "\n".join([*parts, _runs(report)])


def _goals(report: Report) -> str:
    found = verdicts(report)
    met = sum(verdict.met is True for verdict in found)
    cells = [(verdict.goal, verdict.wanted, verdict.measured, verdict.said) for verdict in found]
    return f"## Goals\n\n{met} of {len(found)} are met.\n\n" + table(("goal", "wanted", "measured", "met?"), cells)


def _runs(report: Report) -> str:
    """When each scenario was measured, and whether the machine was idle: a report may combine several runs."""
    said = report["scenarios"].items()
    cells = []
    for name, one in said:
        rows = one["rows"]
        calm = sum(row["calm"] for row in rows) / max(len(rows), 1)
        cells.append(
            (
                name,
                one["at"].replace("T", " ").replace("+00:00", " UTC"),
                f"{one['seconds']} s",
                max((row.get("rounds", 1) for row in rows), default=0),
                f"{calm:.0%}",
            )
        )
    text = "## When it was measured\n\n" + table(
        ("scenario", "started", "duration", "rounds", "started on an idle machine"), cells
    )
    if any(one["small"] for _, one in said):
        text += "\nSome scenarios were run in the small form, which is for counts and losses: its times say nothing.\n"
    elif said and not _one_run(report):
        text += "\nThe scenarios were not all measured in one run.\n"
    return text


def _one_run(report: Report) -> bool:
    """Whether each scenario started within seconds of the end of another one."""
    spans = sorted((datetime.fromisoformat(one["at"]), timedelta(seconds=one["seconds"])) for one in report["scenarios"].values())
    return all(abs(later - (at + took)) < timedelta(seconds=30) for (at, took), (later, _) in pairwise(spans))


def main(source: str, target: str) -> None:
    report = json.loads(Path(source).read_text())
    Path(target).write_text(document(report))
    images = Path(target).parent / "images"
    images.mkdir(exist_ok=True)
    for name, picture in pictures(report).items():
        (images / f"bench-{name}.svg").write_text(picture)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
