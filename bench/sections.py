"""The sections of the page, one per scenario: a heading, a table, and an explanation."""

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
        + "\nThe rate is that from the first delivery to the last. The limit sends all events in one write, Livefeed in two: its rate can exceed\n"
        "the limit's, but its CPU time cannot be lower.\n\n![deliveries per second](images/bench-burst.svg)\n"
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
        f"## Paced: {rows[0]['readers']:,} readers, 20 items per second\n\n"
        + table(head, cells)
        + "\nLatency is measured from the moment at which the publisher sends an item to its arrival at a reader. For Livefeed this includes HTTP,\n"
        "validation, Redis and the tail, for nchan HTTP. The limit, which makes one write per event, and the other peers generate their events\n"
        "themselves. CPU time is that of the processes that serve readers, without Redis.\n\n![latency](images/bench-latency.svg)\n"
    )


def _memory(rows: list[Row], _: Report) -> str:
    cells = [(name(row), f"{per_reader(row):.2f}", f"{row['answered']:,}") for row in sorted(rows, key=per_reader)]
    return (
        "## Memory per idle reader\n\nThe resident memory of a new process with its readers, minus that without them. No TLS.\n\n"
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
        f"## Storm: {rows[0]['readers']:,} readers reconnect at once, each {rows[0]['expected']} items behind\n\n"
        + table(("server", "s until all caught up", "of nchan", "s CPU", "fewest"), cells)
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
        f"## {others:,} readers reconnect while {rows[0]['rate']} items per second arrive\n\n"
        + table(
            (
                "server",
                "s until all are live",
                "p50 ms",
                "p99 ms",
                "max ms",
                "fewest",
                "fewest of the reconnected",
                "load generator",
            ),
            cells,
        )
        + f"\nThey connect at once, with a cursor {owed} items behind, while more items arrive. A reader counts as live when it gets an event that\n"
        f"was published after its connection was accepted; by then it has everything before. Percentiles are those of the {rows[0]['readers']}\n"
        "readers that stayed connected, over the whole run, from the creation of an item. The producers are connected beforehand: one that\n"
        "connects together with the readers waits in the same queue.\n"
    )


def _stalled(rows: list[Row], _: Report) -> str:
    cells = [
        (name(row), row["stuck"], *_percentiles(row, "p50", "p99", "max"), f"{memory_more(row):.1f}", _fewest(row),
         f"{row['others']['fewest']} of {row['others_expected']}" if row["stuck"] else "–")
        for row in rows
    ]  # fmt: skip
    stuck = max(row["stuck"] for row in rows)
    return (
        f"## {stuck} of {max(row['readers'] for row in rows):,} readers stop reading for a while\n\n"
        + table(("server", "stalled", "p50 ms", "p99 ms", "max ms", "additional MiB", "fewest", "fewest of the stalled"), cells)
        + "\nPercentiles are those of the other readers only. The stalled ones read nothing until everything is published, and then all of it.\n"
    )


def _many(rows: list[Row], report: Report) -> str:
    cells = [
        (name(row), f"{row['answered']:,}", *_percentiles(row, "p50", "p99", "max"), f"{cost(row):.2f}",
         f"{row['memory_end_kib'] // 1024:,}", _fewest(row), f"{row['own_cpu_share']:.0%}")
        for row in rows
    ]  # fmt: skip
    head = ("server", "readers", "p50 ms", "p99 ms", "max ms", "µs CPU each", "MiB resident", "fewest", "load generator")
    short = (
        f"\nOn this machine a process may open {report['files']:,} files, and 20,000 readers would need a few more.\n"
        if report["files"] < 20_300
        else ""
    )
    return "## Many readers on one worker, 2 items per second for a minute\n\n" + table(head, cells) + short


def _workers(rows: list[Row], _: Report) -> str:
    cells = [
        (f"{row['workers']}, {row['wire']}", " : ".join(f"{one['connections']:,}" for one in row["processes"]), f"{smallest_part(row):.0%}",
         f"{cost(row):.2f}", f"{row['latency_ms']['p99']:.1f}", _fewest(row))
        for row in rows
    ]  # fmt: skip
    return (
        f"## Workers: {rows[0]['readers']:,} readers, {rows[0]['expected']} items\n\n"
        + table(("workers", "readers", "smaller share", "µs CPU each", "p99 ms", "fewest"), cells)
        + "\nAll workers share one core, so that only their number differs; the other core has the load. The gain in speed from a second core is\n"
        "therefore not shown.\n"
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
        "µs CPU per item",
        "µs CPU per delivery",
        "without the fixed cost",
        "p99 ms",
    )
    return (
        "## Cost of growth\n\n"
        + table(head, cells)
        + "\nAn item is received over HTTP, validated, stored and read from the log once, regardless of the number of readers. This fixed cost is\n"
        "what an item costs with a single reader. It is as much as the deliveries to 100 readers, and negligible with 10,000, so the costs per\n"
        "delivery alone are hardly comparable. The column before the last excludes it: (µs per item − µs per item with one reader and as many\n"
        "feeds) ÷ (readers − 1). The readers are on one feed, to which everything is published; each of the other feeds has one idle reader.\n"
        "Every filter matches every item. The rate is 20 items per second, with 10,000 readers 5.\n\n![growth](images/bench-growth.svg)\n"
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
        + "\nReal items: entries of news feeds, then earthquakes, then edits of a wiki. The events of the gzipped stream are counted by one\n"
        "additional reader that decompresses it; the bytes are those of the others.\n"
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
