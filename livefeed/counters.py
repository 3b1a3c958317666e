"""Counters: what one worker counts about itself, as plain integers.

Code increments the attributes (`counters.deliveries += len(group)`); `livefeed.metrics` exports them.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Counters", "Histogram"]


class Histogram:
    """Counts of observed values per bucket, whose upper limits are *bounds* and infinity, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        # A bound belongs to its bucket, like Prometheus' `le`.
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


def _counter(description: str, name: str = "", **labels: str) -> Any:
    """A value that only grows."""
    return field(default=0, metadata={"kind": "counter", "help": description, "name": name, "labels": labels})


def _gauge(description: str, name: str = "", **labels: str) -> Any:
    """A current value."""
    return field(default=0, metadata={"kind": "gauge", "help": description, "name": name, "labels": labels})


_LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _latency() -> Histogram:
    return Histogram(_LATENCY)


def _timed(description: str) -> dict[str, Any]:
    return {"kind": "histogram", "help": description, "name": "", "labels": {}}


@dataclass(slots=True, eq=False)
class Counters:
    """One worker's metrics. Fields with the same `name` are one metric with different labels."""

    readers_sse: int = _gauge("Open live streams", "readers", transport="sse")
    readers_websocket: int = _gauge("Open live streams", "readers", transport="websocket")
    readers_poll: int = _gauge("Open live streams", "readers", transport="poll")

    joins: int = _counter("Live streams opened")
    resumed: int = _counter("Live streams resumed exactly at a cursor")
    resets_trimmed: int = _counter("Resets sent to readers", "resets", reason="trimmed")
    resets_lost: int = _counter("Resets sent to readers", "resets", reason="lost")
    resets_unknown: int = _counter("Resets sent to readers", "resets", reason="unknown")
    deliveries: int = _counter("Events written to readers")
    delivered_bytes: int = _counter("Bytes of events written to readers")
    pauses: int = _counter("Times that a reader fell behind and left its group")
    refused: int = _counter("Connections and requests rejected by a limit")

    connections: int = _gauge("Open connections, live streams included")
    connections_timed_out: int = _counter("Connections closed by the server", "connections_ended", reason="request")
    connections_stuck: int = _counter("Connections closed by the server", "connections_ended", reason="stuck")
    connections_silent: int = _counter("Connections closed by the server", "connections_ended", reason="silent")

    tail_events: int = _counter("Events that this worker read from the log")
    tail_holes: int = _counter("Gaps that this worker found in the log")
    tail_restarts: int = _counter("Times that following the log failed and was restarted")
    tails_stale: int = _gauge("Feeds whose log this worker cannot read at the moment")
    foreign_entries: int = _counter("Log entries written by another program, skipped")

    appends: int = _counter("Events appended to a log")
    append_repeats: int = _counter("Publishes that repeated an earlier one")
    append_failures: int = _counter("Publishes that Redis rejected or did not answer")
    append_seconds: Histogram = field(default_factory=_latency, metadata=_timed("Duration of an append"))
    hearing_seconds: Histogram = field(default_factory=_latency, metadata=_timed("Time from the append to this worker's readers"))
    inbox_moved: int = _counter("Inbox entries moved to a log")
    inbox_rejected: int = _counter("Inbox entries that were invalid")
    audit_dropped: int = _counter("Audit records lost because Redis was unavailable for too long")

    responses_ok: int = _counter("HTTP responses", "responses", status="2xx")
    responses_redirect: int = _counter("HTTP responses", "responses", status="3xx")
    responses_client_error: int = _counter("HTTP responses", "responses", status="4xx")
    responses_server_error: int = _counter("HTTP responses", "responses", status="5xx")
    log_lines_lost: int = _counter("Log lines that could not be written")
    loop_lag_seconds: Histogram = field(default_factory=_latency, metadata=_timed("Delay of the event loop's timers"))

    def count_reset(self, reason: Literal["trimmed", "lost", "unknown"]) -> None:
        match reason:
            case "trimmed":
                self.resets_trimmed += 1
            case "lost":
                self.resets_lost += 1
            case "unknown":
                self.resets_unknown += 1
