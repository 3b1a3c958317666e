"""The cost of a delivery with growing numbers of readers, feeds and filters, and with compression."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bench.feed import make_feed, serving
from bench.inflate import MARKER, OFFER, inflating
from bench.measure import Bench, Row, row
from bench.real import MOST, demo_items, real_items
from bench.servers import Server, limit

__all__ = ["compressed", "growth"]

FILTERED = "?tag=all&tag=t{}"
"""Any of two tags, of which each item has the first: as many filters as second tags, and all let each item pass."""

RATE = 60
"""Real items a second, when they are compressed: with 1,000 readers, half of what a core delivers one by one."""


def growth(bench: Bench) -> Iterator[Row]:
    """A steady load, with ever more readers, feeds that are read, and filters.

    What is done once an item, however many read it, is measured too, with one reader.
    """
    sizes, ways, usual, items = (
        ((20, 100), (1, 20), 100, 10) if bench.small else ((100, 1_000, 10_000), (1, 100, 1_000), 1_000, 100)
    )

    def measure() -> Iterator[Row]:
        with serving(bench) as server:
            for number in range(1, max(ways)):
                make_feed(server, f"other-{number - 1}")
            yield _growth(bench, server, items, readers=1)
            for readers in sizes:
                yield _growth(bench, server, items, readers=readers)
            # Before other feeds are read: a feed is followed for a minute after its last reader has left.
            for filters in ways[1:]:
                yield _growth(bench, server, items, readers=usual, filters=filters)
            for feeds in ways[1:]:
                for readers in (1, usual):
                    yield _growth(bench, server, items, readers=readers, feeds=feeds)
        with limit(bench.tools, bench.folder, bench.size) as bound:
            for readers in sizes:
                yield _growth(bench, bound, items, readers=readers)

    yield from bench.rounds(measure)


def _growth(bench: Bench, server: Server, items: int, *, readers: int, feeds: int = 1, filters: int = 1) -> Row:
    # Ten thousand times 20 a second would be more than one core delivers.
    items, rate = (items // 2, 5) if readers > 1_000 else (items, 20)
    options: dict[str, Any] = {}
    if filters > 1:
        options |= {"path": server.sse + FILTERED, "ways": filters}
    if feeds > 1:
        options |= {"others": feeds - 1, "others_path": "/v1/feeds/other-{}/events"}
    result = bench.readers(
        server, "sse", readers=readers, expect=items, publish=(items, rate), timeout=120, rate=2_000, **options
    )
    return row("growth", server, "sse", items, result, items=items, feeds=feeds, filters=filters)


def compressed(bench: Bench) -> Iterator[Row]:
    """The same real items with and without compression: bytes on the wire, and what it costs."""
    given = demo_items(20) if bench.small else real_items()
    if given is None:
        print(f"left out: compressed, which wants {MOST:,} real items in ../shared/data", file=sys.stderr)
        return
    readers = 50 if bench.small else 1_000
    lines = bench.folder / "items.jsonl"
    lines.write_text("\n".join(given) + "\n")

    def measure() -> Iterator[Row]:
        for wire in ("sse", "ws"):
            for deflated in (False, True):
                with serving(bench) as started:
                    server = replace(
                        started,
                        publish=("lines", started.publish[1]),
                        environment={**started.environment, "BENCH_LINES": str(lines)},
                    )
                    result = _compressed(bench, server, wire, readers, len(given), deflated)
                    yield row("compressed", server, wire, len(given), result, deflated=deflated)

    yield from bench.rounds(measure)


def _compressed(bench: Bench, server: Server, wire: str, readers: int, items: int, deflated: bool) -> dict[str, Any]:
    """Nothing is *expected*, so that all four runs end alike: a second after the last item."""
    options: dict[str, Any] = {
        "readers": readers,
        "publish": (items, RATE),
        "idle": 120,
        "linger": 1,
        "timeout": 120,
        "marker": MARKER.decode(),
    }
    if not deflated:
        return bench.readers(server, wire, **options)
    offered = "Accept-Encoding: gzip" if wire == "sse" else f"Sec-WebSocket-Extensions: {OFFER}"
    with inflating(server, wire) as counted:
        result = bench.readers(server, wire, **options, headers=f"{offered}\r\n")
    return {**result, "deliveries": counted.events * readers, "fewest": counted.events, "most": counted.events}
