"""Livefeed with many readers: connecting, reconnecting, stalling, and spread over workers."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from typing import Any

from bench.feed import cursor_of, publish, serving
from bench.measure import Bench, Row, row

__all__ = ["many", "reconnect", "stalled", "workers"]

WIRES = ("sse", "ws")

KEPT = 300
"""Files that a server and a load generator keep for themselves."""


def reconnect(bench: Bench) -> Iterator[Row]:
    """A crowd comes back with a cursor while items keep coming; those who were there must not notice."""
    readers, steady, items, rate = (300, 50, 100, 80) if bench.small else (10_000, 200, 1_000, 100)
    owed = 100

    def measure() -> Iterator[Row]:
        for wire in WIRES:
            with serving(bench) as server:
                publish(server, owed, bench.size)
                base = getattr(server, wire)
                result = bench.readers(
                    server,
                    wire,
                    readers=steady,
                    expect=items,
                    publish=(items, rate),
                    timeout=120,
                    others=readers,
                    others_path=f"{base}?after={cursor_of(server, owed - 1)}",
                    others_expect=items + owed - 1,
                    others_after=0.5 if bench.small else 1,
                )
                yield row("reconnect", server, wire, items, result, others_expected=items + owed - 1, rate=rate)

    yield from bench.rounds(measure)


def stalled(bench: Bench) -> Iterator[Row]:
    """One reader in ten takes nothing for a while; the others must not notice, and it must lose nothing."""
    readers, items, share = (100, 10, 10) if bench.small else (1_000, 200, 100)

    def measure() -> Iterator[Row]:
        with serving(bench) as server:
            for wire in WIRES:
                for stuck in (0, share):
                    options: dict[str, Any] = (
                        {"others": stuck, "others_expect": items, "stall_for": items / 20 + 1} if stuck else {}
                    )
                    result = bench.readers(
                        server, wire, readers=readers - stuck, expect=items, publish=(items, 20), timeout=90, **options
                    )
                    yield row("stalled", server, wire, items, result, stuck=stuck, others_expected=items if stuck else 0)

    yield from bench.rounds(measure)


def many(bench: Bench) -> Iterator[Row]:
    """As many readers as one worker is meant for, for a minute."""
    # Where open files cannot be raised far enough, as many as there may be.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - KEPT
    readers, items, rate = (500, 10, 10) if bench.small else (min(20_000, most), 120, 2)
    for wire in WIRES:
        with serving(bench) as server:
            result = bench.readers(server, wire, readers=readers, expect=items, publish=(items, rate), timeout=240, rate=2_000)
            yield row("many", server, wire, items, result)


def workers(bench: Bench) -> Iterator[Row]:
    """One worker and two: how the readers split, and what a delivery costs."""
    readers, items, rate = (200, 20, 40) if bench.small else (2_000, 60, 10)

    def measure() -> Iterator[Row]:
        for wire in WIRES:
            for count in (1, 2):
                with serving(bench, workers=count) as server:
                    result = bench.readers(server, wire, readers=readers, expect=items, publish=(items, rate), timeout=90)
                    yield row("workers", server, wire, items, result, workers=count)

    yield from bench.rounds(measure)
