"""The pictures of a report."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures import Report, Row, cost, marginal, name, per_reader, rate, rows_of
from bench.goals import single_of
from bench.plots import bars, lines

__all__ = ["pictures"]

STEPS = ("p10", "p50", "p90", "p99", "p999", "max")


def pictures(report: Report) -> dict[str, str]:
    """SVG by name, of what the report has."""
    return dict(_pictures(report))


def _pictures(report: Report) -> Iterator[tuple[str, str]]:
    if burst := rows_of(report, "burst"):
        rates = {name(row): rate(row) for row in sorted(burst, key=rate, reverse=True)}
        yield "burst", bars("Deliveries per second in a burst (logarithmic)", rates, "/s", logarithmic=True)
    if paced := rows_of(report, "paced"):
        late = {name(row): [(step, row["latency_ms"][step]) for step in STEPS] for row in paced}
        yield "latency", lines("Latency at 20 items per second (logarithmic)", late, "ms")
    if memory := rows_of(report, "memory"):
        each = {name(row): per_reader(row) for row in sorted(memory, key=per_reader)}
        yield "memory", bars("KiB per idle reader", each, "KiB")
        grown = {name(row): [(f"{one['readers']:,}", one["kib"] / 1024) for one in row["memory_grown"]] for row in memory}
        yield "memory-readers", lines("Memory by number of readers (logarithmic)", _same_steps(grown), "MiB")
    if storm := rows_of(report, "storm"):
        yield "storm", bars("Seconds until all readers have caught up", {name(row): row["begin_to_done_s"] for row in storm}, "s")
    if growth := [row for row in rows_of(report, "growth") if row["feeds"] == row["filters"] == 1]:
        yield (
            "growth",
            lines("Deliveries per second of CPU time, by number of readers (logarithmic)", dict(_deliveries(growth)), "/s"),
        )


def _deliveries(rows: list[Row]) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    crowds = [row for row in rows if row["readers"] > 1]
    ours = [row for row in crowds if row["server"] == "livefeed"]
    yield "livefeed", [(f"{row['readers']:,}", 1e6 / cost(row)) for row in ours]
    less = [(row, marginal(row, single)) for row in ours if (single := single_of(rows, row))]
    yield "livefeed without fixed cost", [(f"{row['readers']:,}", 1e6 / each) for row, each in less if each > 0]
    yield "limit", [(f"{row['readers']:,}", 1e6 / cost(row)) for row in crowds if row["server"] == "limit"]


def _same_steps(series: dict[str, list[tuple[str, float]]]) -> dict[str, list[tuple[str, float]]]:
    """Tenths instead of counts, which differ by a few from server to server."""
    steps = ("10%", "20%", "30%", "40%", "50%", "60%", "70%", "80%", "90%", "100%")
    return {
        one: [(step, max(value, 0.1)) for step, (_, value) in zip(steps, points, strict=False)] for one, points in series.items()
    }
