"""The figures of a row of the report, and finding rows by their properties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = [
    "bytes_each",
    "cost",
    "find",
    "marginal",
    "memory_more",
    "name",
    "p99",
    "per_item",
    "per_reader",
    "rate",
    "rows_of",
    "share",
    "smallest_part",
]

Row = dict[str, Any]
Report = dict[str, Any]


def rows_of(report: Report, scenario: str) -> list[Row]:
    rows: list[Row] = report["scenarios"].get(scenario, {}).get("rows", [])
    return rows


def find(report: Report, scenario: str, server: str = "livefeed", **wanted: object) -> Row | None:
    """The first row that is as *wanted*."""
    return next(_matching(report, scenario, server, wanted), None)


def _matching(report: Report, scenario: str, server: str, wanted: dict[str, object]) -> Iterator[Row]:
    for row in rows_of(report, scenario):
        if row["server"] == server and all(row[key] == value for key, value in wanted.items()):
            yield row


def name(row: Row) -> str:
    server, wire = row["server"], row["wire"]
    return server if server.endswith(wire) else f"{server} {wire}"


def cost(row: Row) -> float:
    """µs of the server's CPU for one delivery, all that it did meanwhile included."""
    return float(row["server_cpu_s"]) / max(int(row["deliveries"]), 1) * 1e6


def per_item(row: Row) -> float:
    """µs of the server's CPU for one item, to all its readers."""
    return float(row["server_cpu_s"]) / int(row["items"]) * 1e6


def marginal(row: Row, single: Row) -> float:
    """µs for one delivery less what an item costs anyway: that is what it costs with a *single* reader."""
    return (per_item(row) - per_item(single)) / (int(row["readers"]) - 1)


def rate(row: Row) -> float:
    """Deliveries a second, from the first to the last."""
    window = float(row["window_s"])
    return int(row["deliveries"]) / window if window else 0.0


def p99(row: Row) -> float:
    return float(row["latency_ms"]["p99"])


def bytes_each(row: Row) -> float:
    """Bytes on the wire for one delivery."""
    return (int(row["bytes"]) - int(row["bytes_before"])) / max(int(row["deliveries"]), 1)


def per_reader(row: Row) -> float:
    """KiB of resident memory for one reader."""
    return int(row["memory_ready_kib"] - row["memory_before_kib"]) / max(int(row["answered"]), 1)


def memory_more(row: Row) -> float:
    """MiB that were used at most beyond what there was when all readers were there."""
    return max(int(row["memory_peak_kib"] - row["memory_ready_kib"]), 0) / 1024


def share(value: float, of: float) -> float | None:
    return value / of if of else None


def smallest_part(row: Row) -> float:
    """The share of the readers that the worker with the fewest has."""
    counts = [int(process["connections"]) for process in row["processes"]]
    return min(counts) / max(sum(counts), 1)
