"""Makes `docs/benchmarks.md` and its pictures of a report: `python -m bench.report bench-report.json docs/benchmarks.md`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.plots import bars, lines

__all__ = ["document"]

Row = dict[str, Any]

_INTRODUCTION = """# Benchmarks

Made by `make bench`; this page and its pictures are written by `python -m bench.report` from its report, `bench-report.json`.
The servers of a scenario were measured one after the other, each pinned to one core; the readers, the publisher and Redis had the other
one. Everything went over loopback. An event was {bytes} bytes of JSON on every server. Figures are medians where a scenario was repeated;
`limit` is a C program that does nothing but `send()` ready-made bytes (`bench/limit.c`).

Machine: {processor}, {cores} cores, {memory_gib} GiB, Linux {kernel}, Python {python}.

**What this does not show.** Loopback has no latency, no loss and no wide-area bandwidth. Two cores carry everything, so the load
generator and the kernel's receiving half compete with what is measured; the share of its core that the load generator used is given.
Absolute times on a shared machine mean little: compare within a table, not with other pages. TLS, HTTP/2 and proxies were not in the way.
"""


def _name(row: Row) -> str:
    return f"{row['server']} {row['wire']}"


def _per_delivery(row: Row) -> float:
    cpu, deliveries = float(row["server_cpu_s"]), int(row["deliveries"])
    return cpu / max(deliveries, 1) * 1e6


def _rate(row: Row) -> float:
    deliveries, window = int(row["deliveries"]), float(row["window_s"])
    return deliveries / window if window else 0.0


def _per_reader(row: Row) -> float:
    more, answered = int(row["memory_ready_kib"] - row["memory_before_kib"]), int(row["answered"])
    return more / max(answered, 1)


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _ratio(value: float, other: float) -> str:
    return f"{value / other:.2f}" if other else "–"


def _of(rows: list[Row], scenario: str) -> list[Row]:
    return [row for row in rows if row["scenario"] == scenario]


def _limit(rows: list[Row], wire: str, figure: Callable[[Row], float]) -> float:
    return next((figure(row) for row in rows if row["server"] == "limit" and row["wire"] == wire), 0.0)


def _burst(rows: list[Row]) -> str:
    cells = [
        (_name(row), f"{_rate(row):,.0f}", _ratio(_rate(row), _limit(rows, row["wire"], _rate)), f"{_per_delivery(row):.2f}",
         f"{row['fewest']} of {row['expected']}", f"{row['own_cpu_share']:.0%}")
        for row in sorted(rows, key=_rate, reverse=True)
    ]  # fmt: skip
    readers = rows[0]["readers"]
    return (
        f"## Burst: {readers:,} readers, {rows[0]['expected']} items at once\n\n"
        + _table(("server", "deliveries/s", "of the limit", "µs CPU each", "fewest", "load generator"), cells)
        + "\n![deliveries a second](images/bench-burst.svg)\n"
    )


def _paced(rows: list[Row]) -> str:
    cells = []
    for row in sorted(rows, key=_per_delivery):
        latency = row["latency_ms"]
        limit = _limit(rows, row["wire"], _per_delivery)
        late = _limit(rows, row["wire"], lambda one: one["latency_ms"]["p99"])
        cells.append(
            (_name(row), f"{_per_delivery(row):.2f}", _ratio(_per_delivery(row), limit), f"{latency['p50']:.1f}",
             f"{latency['p99']:.1f}", _ratio(latency["p99"], late), f"{row['fewest']} of {row['expected']}")
        )  # fmt: skip
    return (
        f"## Paced: {rows[0]['readers']:,} readers, 20 items a second\n\n"
        + _table(("server", "µs CPU each", "of the limit", "p50 ms", "p99 ms", "of the limit", "fewest"), cells)
        + "\nLivefeed's figures are from the publisher's clock, through HTTP, validation, Redis and the tail, to the last reader's bytes;\n"
        "the limit and most peers make their events themselves.\n\n![latency](images/bench-latency.svg)\n"
    )


def _first_wires(rows: list[Row]) -> list[Row]:
    """One row a server: a second wire takes what the first has left free, and would look cheaper than it is."""
    return list({row["server"]: row for row in reversed(rows)}.values())


def _memory(rows: list[Row]) -> str:
    rows = _first_wires(rows)
    cells = [(_name(row), f"{_per_reader(row):.2f}", f"{row['answered']:,}") for row in sorted(rows, key=_per_reader)]
    return (
        "## Memory per idle reader\n\nResident memory of the server with its readers, less without.\n\n"
        + _table(("server", "KiB each", "readers"), cells)
        + "\n![memory](images/bench-memory.svg)\n"
    )


def _storm(rows: list[Row]) -> str:
    other = next((row["begin_to_done_s"] for row in rows if row["server"] == "nchan"), 0.0)
    cells = [
        (_name(row), f"{row['begin_to_done_s']:.2f}", _ratio(row["begin_to_done_s"], other), f"{row['server_cpu_all_s']:.2f}",
         f"{row['fewest']} of {row['expected']}")
        for row in rows
    ]  # fmt: skip
    return (
        f"## Storm: {rows[0]['readers']:,} readers return at once, each is owed {rows[0]['expected']} items\n\n"
        + _table(("server", "s until all have all", "of nchan's", "s CPU", "fewest"), cells)
        + "\n![storm](images/bench-storm.svg)\n"
    )


def _stalled(rows: list[Row]) -> str:
    cells = [
        (_name(row), row["stuck"], f"{row['latency_ms']['p50']:.1f}", f"{row['latency_ms']['p90']:.1f}",
         f"{(row['memory_peak_kib'] or row['memory_end_kib']) - row['memory_ready_kib']:,}", f"{row['fewest']} of {row['expected']}")
        for row in rows
    ]  # fmt: skip
    return (
        f"## {rows[-1]['stuck']} of {rows[0]['readers']:,} readers take nothing for a while\n\n"
        + _table(("server", "stalled", "p50 ms", "p90 ms", "KiB more", "fewest"), cells)
        + "\nPercentiles are over all deliveries, those of the stalled readers after they woke included; every stalled reader got all.\n"
    )


def _many(rows: list[Row]) -> str:
    cells = [
        (_name(row), f"{row['answered']:,}", f"{row['latency_ms']['p50']:.0f}", f"{row['latency_ms']['p99']:.0f}",
         f"{_per_delivery(row):.2f}", f"{row['memory_end_kib'] // 1024:,}", f"{row['fewest']} of {row['expected']}")
        for row in rows
    ]  # fmt: skip
    head = ("server", "readers", "p50 ms", "p99 ms", "µs CPU each", "MiB resident", "fewest")
    return "## Many readers on one worker, 2 items a second\n\n" + _table(head, cells)


def _workers(rows: list[Row]) -> str:
    cells = []
    for row in rows:
        used = row["cpu_each"]
        split = " : ".join(f"{cpu / (sum(used) or 1):.0%}" for cpu in used)
        cells.append(
            (row["workers"], split, f"{sum(used) / max(row['deliveries'], 1) * 1e6:.2f}", f"{row['fewest']} of {row['expected']}")
        )
    return "## Workers\n\n" + _table(("workers", "CPU split", "µs CPU each", "fewest"), cells)


def _growth(rows: list[Row]) -> str:
    cells = [(f"{row['readers']:,}", f"{_per_delivery(row):.2f}", f"{row['latency_ms']['p99']:.1f}") for row in rows]
    return (
        "## Cost of growth: 20 items a second\n\n"
        + _table(("readers", "µs CPU each", "p99 ms"), cells)
        + "\nWith few readers what is done once an item (publishing, the tail) is shared by few.\n\n![growth](images/bench-growth.svg)\n"
    )


def _compressed(rows: list[Row]) -> str:
    plain = next(row for row in rows if not row["gzip"])
    cells = [
        ("gzip" if row["gzip"] else "plain", f"{row['bytes']:,}", _ratio(row["bytes"], plain["bytes"]), f"{row['cpu']:.2f}",
         _ratio(row["cpu"], plain["cpu"]))
        for row in rows
    ]  # fmt: skip
    return "## Compression on SSE, the demo's items\n\n" + _table(("", "bytes", "of plain", "s CPU", "of plain"), cells)


_SECTIONS: dict[str, Callable[[list[Row]], str]] = {
    "burst": _burst,
    "paced": _paced,
    "memory": _memory,
    "storm": _storm,
    "stalled": _stalled,
    "many": _many,
    "workers": _workers,
    "growth": _growth,
    "compressed": _compressed,
}


def document(report: dict[str, Any]) -> str:
    """The page, of the report that `python -m bench` wrote."""
    parts = [_INTRODUCTION.format(**report["machine"], bytes=report["bytes"])]
    if remarks := report.get("remarks"):
        parts.append(f"**Of this report.** {remarks}\n")
    parts += [section(rows) for name, section in _SECTIONS.items() if (rows := _of(report["rows"], name))]
    return "\n".join(parts)


def pictures(report: dict[str, Any]) -> dict[str, str]:
    rows: list[Row] = report["rows"]
    drawn: dict[str, str] = {}
    if burst := _of(rows, "burst"):
        rates = {_name(row): _rate(row) for row in sorted(burst, key=_rate, reverse=True)}
        drawn["burst"] = bars("Deliveries a second in a burst (logarithmic)", rates, "/s", logarithmic=True)
    if paced := _of(rows, "paced"):
        steps = ("p10", "p50", "p90", "p99", "p999")
        drawn["latency"] = lines(
            "Latency at 20 items a second (logarithmic)",
            {_name(row): [(step, row["latency_ms"][step]) for step in steps] for row in paced},
            "ms",
        )
    if memory := _first_wires(_of(rows, "memory")):
        drawn["memory"] = bars(
            "KiB per idle reader", {_name(row): _per_reader(row) for row in sorted(memory, key=_per_reader)}, "KiB"
        )
    if storm := _of(rows, "storm"):
        drawn["storm"] = bars(
            "Seconds until everybody has everything", {_name(row): row["begin_to_done_s"] for row in storm}, "s"
        )
    if growth := _of(rows, "growth"):
        cost = {"livefeed sse": [(f"{row['readers']:,}", _per_delivery(row)) for row in growth]}
        drawn["growth"] = lines("CPU of one delivery against readers", cost, "µs")
    return drawn


def main(source: str, target: str) -> None:
    report = json.loads(Path(source).read_text())
    Path(target).write_text(document(report))
    images = Path(target).parent / "images"
    images.mkdir(exist_ok=True)
    for name, picture in pictures(report).items():
        (images / f"bench-{name}.svg").write_text(picture)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
