"""Makes `docs/benchmarks.md` and its pictures of a report: `python -m bench.report bench-report.json docs/benchmarks.md`."""

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

Made by `make bench`; this page and its pictures are written by `python -m bench.report` from its report, `bench-report.json`.
Each server was measured alone, started for it and pinned to one core; the readers, the publisher and Redis had the other one. Everything
went over loopback. An event was {bytes} bytes of JSON on every server; `bytes each` is that with the wire's framing. Figures are medians
where a scenario was repeated, and servers that are compared were measured in turn in each round; counts are the worst of all rounds.
`limit` is a C program that does nothing but `send()` ready-made bytes (`bench/limit.c`).

Machine: {processor}, {cores} cores, {memory_gib} GiB, Linux {kernel}, Python {python}.
"""

_HONESTY = """## What this does not show

- Loopback has no latency, no loss and no wide-area bandwidth. TLS, HTTP/2 and proxies were not in the way.
- Two cores carry everything. The load generator, the publisher, Redis and the kernel's receiving half share the second one, and a packet
  that is sent over loopback is received at the sender's expense: the limit pays for that too, so compare ratios, not with other pages.
  The share of its core that the load generator used is given; above 90 % the times say as much of it as of the server.
- CPU is that of the processes that serve readers. Redis, which Livefeed has and its peers have not, is left out; so is the publisher.
- The peers do less: none but Livefeed stores, checks or filters an item, or can tell a reader what it missed after a restart. Their
  set-ups are short programs as their documentation has them (`bench/peers/`); somebody who knows one well may make it faster.
- A ratio of two medians of three is good to about ± 15 %: a goal that is met or missed by less may come out otherwise next time.
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
    """When each scenario was measured, and whether the machine was quiet: a report may be put together from several runs."""
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
    text = "## When it was measured\n\n" + table(("scenario", "begun", "took", "rounds", "begun on a quiet machine"), cells)
    if any(one["small"] for _, one in said):
        text += "\nSome of it is the small form, for counts and losses: its times say nothing.\n"
    elif said and not _one_run(report):
        text += "\nThe scenarios were not all measured in one run.\n"
    return text


def _one_run(report: Report) -> bool:
    """Whether every scenario began when another ended, but for some seconds."""
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
