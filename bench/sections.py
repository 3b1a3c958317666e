"""The page's sections, one for each scenario: a heading, a table, and what is to be known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bench.figures import (
    Report,
    Row,
    bytes_each,
    cost,
    find,
    marginal,
    memory_more,
    name,
    p99,
    per_item,
    per_reader,
    rate,
    share,
    smallest_part,
)
from bench.goals import single_of

__all__ = ["SECTIONS", "table"]


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _of(row: Row, report: Report, other: str, figure: Callable[[Row], float]) -> str:
    """*row*'s figure as a share of that of *other* on the same wire."""
    beside = find(report, row["scenario"], other, wire=row["wire"])
    ratio = share(figure(row), figure(beside)) if beside else None
    return "–" if ratio is None else f"{ratio:.2f}"


def _fewest(row: Row) -> str:
    return f"{row['fewest']} of {row['expected']}"


def _percentiles(row: Row, *names: str) -> tuple[str, ...]:
    return tuple(f"{row['latency_ms'][one]:.1f}" for one in names)


def _burst(rows: list[Row], report: Report) -> str:
    cells = [
        (name(row), f"{rate(row):,.0f}", _of(row, report, "limit", rate), _of(row, report, "nchan", rate), f"{cost(row):.2f}",
         f"{bytes_each(row):.0f}", _fewest(row), f"{row['own_cpu_share']:.0%}")
        for row in sorted(rows, key=rate, reverse=True)
    ]  # fmt: skip
    head = ("server", "deliveries/s", "of the limit", "of nchan", "µs CPU each", "bytes each", "fewest", "load generator")
    return (
        f"## Burst: {rows[0]['readers']:,} readers, {rows[0]['expected']} items at once\n\n"
        + table(head, cells)
        + "\nDeliveries a second are counted from the first to the last. The limit puts all events into one write, Livefeed into two: it "
        "may\ncome out above the limit, though not in CPU time.\n" + "\n![deliveries a second](images/bench-burst.svg)\n"
    )


def _paced(rows: list[Row], report: Report) -> str:
    cells = [
        (name(row), f"{cost(row):.2f}", _of(row, report, "limit", cost), *_percentiles(row, "p50", "p90", "p99", "p999"),
         _of(row, report, "limit", p99), f"{bytes_each(row):.0f}", _fewest(row), f"{row['own_cpu_share']:.0%}")
        for row in sorted(rows, key=cost)
    ]  # fmt: skip
    head = ("server", "µs CPU each", "of the limit", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "p99 of the limit", "bytes each", "fewest",
            "load generator")  # fmt: skip
    return (
        f"## Paced: {rows[0]['readers']:,} readers, 20 items a second\n\n"
        + table(head, cells)
        + "\nLivefeed's figures are from the publisher's clock, through HTTP, validation, Redis and the tail, to the last reader's bytes;\n"
        "nchan's from the publisher's clock through HTTP. The limit, with one write an event, and the other peers make their events\n"
        "themselves. CPU is that of the processes that serve readers: Redis is not in Livefeed's.\n\n![latency](images/bench-latency.svg)\n"
    )


def _memory(rows: list[Row], _: Report) -> str:
    cells = [(name(row), f"{per_reader(row):.2f}", f"{row['answered']:,}") for row in sorted(rows, key=per_reader)]
    return (
        "## Memory per idle reader\n\nResident memory of a new process with its readers, less without. No TLS.\n\n"
        + table(("server", "KiB each", "readers"), cells)
        + "\n![memory](images/bench-memory.svg)\n\n![memory against readers](images/bench-memory-readers.svg)\n"
    )


def _storm(rows: list[Row], report: Report) -> str:
    def until_done(row: Row) -> float:
        return float(row["begin_to_done_s"])

    cells = [
        (
            name(row),
            f"{until_done(row):.2f}",
            _of(row, report, "nchan", until_done),
            f"{row['server_cpu_all_s']:.2f}",
            _fewest(row),
        )
        for row in rows
    ]
    return (
        f"## Storm: {rows[0]['readers']:,} readers return at once, each is owed {rows[0]['expected']} items\n\n"
        + table(("server", "s until all have all", "of nchan's", "s CPU", "fewest"), cells)
        + "\n![storm](images/bench-storm.svg)\n"
    )


def _reconnect(rows: list[Row], _: Report) -> str:
    cells = [
        (name(row), f"{row['others']['open_to_live_s']:.2f}", *_percentiles(row, "p50", "p99", "max"), _fewest(row),
         f"{row['others']['fewest']:,} of {row['others_expected']:,}", f"{row['own_cpu_share']:.0%}")
        for row in rows
    ]  # fmt: skip
    others, owed = rows[0]["others"]["readers"], rows[0]["others_expected"] - rows[0]["expected"]
    return (
        f"## {others:,} readers reconnect while {rows[0]['rate']} items a second arrive\n\n"
        + table(
            (
                "server",
                "s until all are live",
                "p50 ms",
                "p99 ms",
                "max ms",
                "fewest",
                "fewest of the returned",
                "load generator",
            ),
            cells,
        )
        + f"\nThey come at once, with a cursor, and are owed {owed} items and what arrives meanwhile. A reader is live when it has an event that\n"
        f"was published after its answer; it has all before it by then. Percentiles are those of the {rows[0]['readers']} who were connected,\n"
        "over the whole run, from the moment an item is made. The producers' connections are there before: one that comes with the herd\n"
        "waits among it.\n"
    )


def _stalled(rows: list[Row], _: Report) -> str:
    cells = [
        (name(row), row["stuck"], *_percentiles(row, "p50", "p99", "max"), f"{memory_more(row):.1f}", _fewest(row),
         f"{row['others']['fewest']} of {row['others_expected']}" if row["stuck"] else "–")
        for row in rows
    ]  # fmt: skip
    stuck = max(row["stuck"] for row in rows)
    return (
        f"## {stuck} of {max(row['readers'] for row in rows):,} readers take nothing for a while\n\n"
        + table(("server", "stalled", "p50 ms", "p99 ms", "max ms", "MiB more", "fewest", "fewest of the stalled"), cells)
        + "\nPercentiles are those of the healthy readers alone. The stalled ones take nothing until all is published, and then everything.\n"
    )


def _many(rows: list[Row], report: Report) -> str:
    cells = [
        (name(row), f"{row['answered']:,}", *_percentiles(row, "p50", "p99", "max"), f"{cost(row):.2f}",
         f"{row['memory_end_kib'] // 1024:,}", _fewest(row), f"{row['own_cpu_share']:.0%}")
        for row in rows
    ]  # fmt: skip
    head = ("server", "readers", "p50 ms", "p99 ms", "max ms", "µs CPU each", "MiB resident", "fewest", "load generator")
    short = (
        f"\nA process may open {report['files']:,} files here: 20,000 readers need some more.\n"
        if report["files"] < 20_300
        else ""
    )
    return "## Many readers on one worker, 2 items a second for a minute\n\n" + table(head, cells) + short


def _workers(rows: list[Row], _: Report) -> str:
    cells = [
        (f"{row['workers']}, {row['wire']}", " : ".join(f"{one['connections']:,}" for one in row["processes"]), f"{smallest_part(row):.0%}",
         f"{cost(row):.2f}", f"{row['latency_ms']['p99']:.1f}", _fewest(row))
        for row in rows
    ]  # fmt: skip
    return (
        f"## Workers: {rows[0]['readers']:,} readers, {rows[0]['expected']} items\n\n"
        + table(("workers", "readers", "smaller part", "µs CPU each", "p99 ms", "fewest"), cells)
        + "\nAll workers share one core, so that what differs is their number alone; the other core has the load. What two bring in time\n"
        "is therefore not shown.\n"
    )


def _growth(rows: list[Row], _: Report) -> str:
    cells = []
    for row in rows:
        single = single_of(rows, row) if row["server"] == "livefeed" and row["readers"] > 1 else None
        less = f"{marginal(row, single):.2f}" if single else "–"
        cells.append(
            (row["server"], f"{row['readers']:,}", f"{row['feeds']:,}", f"{row['filters']:,}", f"{per_item(row):,.0f}", f"{cost(row):.2f}",
             less, f"{row['latency_ms']['p99']:.1f}")
        )  # fmt: skip
    head = (
        "server",
        "readers",
        "feeds",
        "filters",
        "µs CPU an item",
        "µs CPU a delivery",
        "less what an item costs anyway",
        "p99 ms",
    )
    return (
        "## Cost of growth\n\n"
        + table(head, cells)
        + "\nAn item is received over HTTP, checked, stored and heard once, however many read it: that is what it costs with one reader. Shared\n"
        "by 100 readers it is as much as their deliveries, shared by 10,000 nothing: `whole` compares unlike things, and the column before the\n"
        "last leaves it out: (µs an item − µs an item with one reader, beside as many feeds) ÷ (readers − 1). The readers are on one feed, into\n"
        "which everything is published; each of the other feeds has one idle reader of its own. Every filter lets every item pass. 20 items a\n"
        "second, with 10,000 readers 5.\n\n![growth](images/bench-growth.svg)\n"
    )


def _compressed(rows: list[Row], _: Report) -> str:
    cells = []
    for row in rows:
        plain = next(one for one in rows if one["wire"] == row["wire"] and not one["deflated"])
        cells.append(
            (name(row), "compressed" if row["deflated"] else "plain", f"{bytes_each(row):.0f}", f"{bytes_each(row) / bytes_each(plain):.2f}",
             f"{cost(row):.2f}", f"{cost(row) / cost(plain):.2f}", _fewest(row))
        )  # fmt: skip
    return (
        f"## Compression: {rows[0]['expected']:,} items, {rows[0]['readers']:,} readers\n\n"
        + table(("server", "", "bytes each", "of plain", "µs CPU each", "of plain", "fewest"), cells)
        + "\nReal items: the entries of news feeds, then earthquakes, then edits of a wiki. The gzipped stream is counted by one reader more,\n"
        "which inflates it; the bytes are those of the others.\n"
    )


SECTIONS: dict[str, Callable[[list[Row], Report], str]] = {
    "burst": _burst,
    "paced": _paced,
    "memory": _memory,
    "storm": _storm,
    "reconnect": _reconnect,
    "stalled": _stalled,
    "many": _many,
    "workers": _workers,
    "growth": _growth,
    "compressed": _compressed,
}
