"""Metrics: the counters of all workers, in Prometheus format.

Each worker copies its counters into its row of a board in shared memory, so that any worker can report the metrics of all. A
restarted worker continues from the values in its row, so that no counter ever decreases.
"""

from __future__ import annotations

import dataclasses
import mmap
import os
import struct
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from operator import add
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from livefeed.counters import Counters, Histogram

__all__ = ["Board", "Exposition", "FeedFigures"]

_FIELDS = dataclasses.fields(Counters)
_PROCESS = 4
"""The values that precede the counters in a row: last heartbeat, start time, CPU seconds, resident bytes."""


def _flatten(counters: Counters) -> list[float]:
    values: list[float] = []
    for field in _FIELDS:
        value = getattr(counters, field.name)
        if isinstance(value, Histogram):
            values += [*value.counts, value.total]
        else:
            values.append(value)
    return values


def _unflatten(values: Iterable[float]) -> Counters:
    counters, left = Counters(), iter(values)
    for field in _FIELDS:
        value = getattr(counters, field.name)
        if isinstance(value, Histogram):
            value.counts = [int(next(left)) for _ in value.counts]
            value.total = next(left)
        else:
            setattr(counters, field.name, int(next(left)))
    return counters


def _grows() -> list[bool]:
    """Whether each of the flattened values only grows, so that a restarted worker continues it."""
    grows: list[bool] = []
    for field in _FIELDS:
        kind, value = field.metadata["kind"], getattr(Counters(), field.name)
        grows += [kind != "gauge"] * (len(value.counts) + 1 if isinstance(value, Histogram) else 1)
    return grows


# Aligned doubles are written atomically. That two fields are not from the same instant does no harm.
_ROW = struct.Struct(f"{_PROCESS + len(_flatten(Counters()))}d")


class Board:
    """One row of values per worker, in memory that all of them share."""

    def __init__(self, rows: int, descriptor: int = -1) -> None:
        """*descriptor* is that of `share`; without one, the board is private to this process."""
        self.rows = rows
        self._memory = mmap.mmap(descriptor, rows * _ROW.size)

    @staticmethod
    def share(rows: int, folder: Path) -> int:
        """An anonymous file that several processes can map."""
        path = folder / f".board-{os.getpid()}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        path.unlink()
        os.ftruncate(descriptor, rows * _ROW.size)
        return descriptor

    def write(self, row: int, values: list[float]) -> None:
        _ROW.pack_into(self._memory, row * _ROW.size, *values)

    def read(self, row: int) -> list[float]:
        return list(_ROW.unpack_from(self._memory, row * _ROW.size))

    def touch(self, row: int) -> None:
        """Record a heartbeat. The monotonic clock is the same for all processes of a machine."""
        struct.pack_into("d", self._memory, row * _ROW.size, time.monotonic())

    def silence(self, row: int) -> float:
        """Seconds since the last heartbeat in *row*."""
        (last,) = struct.unpack_from("d", self._memory, row * _ROW.size)
        return time.monotonic() - float(last)

    def close(self) -> None:
        self._memory.close()


@dataclasses.dataclass(frozen=True, slots=True)
class FeedFigures:
    """The metrics of one feed."""

    name: str
    head: float
    """The time of its last event in seconds since the epoch; 0 if there is none."""
    readers: int


class Exposition(Collector):
    """The output of `/metrics`: *counters* are this worker's, the other rows are read from the board."""

    def __init__(self, board: Board, row: int, counters: Counters, version: str) -> None:
        self._board = board
        self._row = row
        self._counters = counters
        self._version = version
        self._started = time.time()
        self._feeds: Sequence[FeedFigures] = ()
        self._before = [value if grows else 0.0 for value, grows in zip(board.read(row)[_PROCESS:], _grows(), strict=True)]
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def copy(self) -> None:
        """Copy this worker's values to the board; to be called about once per second."""
        process = [time.monotonic(), self._started, time.process_time(), float(_resident())]
        # The values of this process plus those of its predecessors.
        self._board.write(self._row, process + list(map(add, _flatten(self._counters), self._before)))

    def text(self, feeds: Sequence[FeedFigures] = ()) -> bytes:
        self.copy()
        self._feeds = feeds
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        rows = [self._board.read(row) for row in range(self._board.rows)]
        yield InfoMetricFamily("livefeed_build", "The version that runs", {"version": self._version})
        for position, (name, text) in enumerate(
            start=1,
            iterable=[
                ("livefeed_worker_start_time_seconds", "When the worker started"),
                ("livefeed_worker_cpu_seconds", "CPU time of the worker since then"),
                ("livefeed_worker_resident_bytes", "Resident memory of the worker"),
            ],
        ):
            family = GaugeMetricFamily(name, text, labels=["worker"])
            for number, row in enumerate(rows):
                family.add_metric([str(number)], row[position])
            yield family
        yield from self._of_feeds()
        yield from _families([_unflatten(row[_PROCESS:]) for row in rows])

    def _of_feeds(self) -> Iterator[Metric]:
        head = GaugeMetricFamily(
            "livefeed_feed_head_timestamp_seconds", "When the feed's last event was appended", labels=["feed"]
        )
        readers = GaugeMetricFamily("livefeed_feed_readers", "Open live streams of the feed, on all servers", labels=["feed"])
        for feed in self._feeds:
            head.add_metric([feed.name], feed.head)
            readers.add_metric([feed.name], feed.readers)
        yield from (head, readers)


def _families(workers: list[Counters]) -> Iterator[Metric]:
    families: dict[str, CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily] = {}
    kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}
    for field in _FIELDS:
        name, labels = field.metadata["name"] or field.name, field.metadata["labels"]
        family = families.get(name)
        if family is None:
            kind = kinds[field.metadata["kind"]]
            family = families[name] = kind(f"livefeed_{name}", field.metadata["help"], labels=[*labels, "worker"])
        for number, counters in enumerate(workers):
            told, value = [*labels.values(), str(number)], getattr(counters, field.name)
            if isinstance(family, HistogramMetricFamily):
                family.add_metric(told, _buckets(value), value.total)
            else:
                family.add_metric(told, value)
    yield from families.values()


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    told: list[tuple[str, float]] = []
    sofar = 0
    for bound, count in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
        sofar += count
        told.append((bound, sofar))
    return told


def _resident() -> int:
    if sys.platform != "linux":
        return 0
    # Not `open`, whose buffers and checks cost more than the rest of a copy.
    descriptor = os.open("/proc/self/statm", os.O_RDONLY)
    try:
        return int(os.read(descriptor, 256).split()[1]) * mmap.PAGESIZE
    finally:
        os.close(descriptor)
