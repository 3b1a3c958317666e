"""Livefeed compared with its peers, and with the limit that the kernel sets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

from bench.feed import cursor_of, prepared, publish
from bench.measure import Bench, Row, row
from bench.servers import PEERS, Server, limit, livefeed

__all__ = ["burst", "memory", "paced", "storm"]

WIRES = ("sse", "ws")


def _started(bench: Bench) -> Iterator[AbstractContextManager[Server]]:
    yield livefeed(bench.folder)
    yield limit(bench.tools, bench.folder, bench.size)
    for start in () if bench.small else PEERS.values():
        yield start(bench.tools, bench.folder, bench.size)


def _everyone(bench: Bench) -> Iterator[Server]:
    """Each server, up, alone; a peer that is not installed is left out, and said so."""
    for context in _started(bench):
        try:
            with context as server:
                yield prepared(server) if server.name == "livefeed" else server
        except FileNotFoundError as exc:
            print(f"left out: {exc}", file=sys.stderr)


def _wires(server: Server) -> list[str]:
    return [wire for wire in WIRES if getattr(server, wire)]


def burst(bench: Bench) -> Iterator[Row]:
    """All items at once: how much one core can deliver."""
    readers, items = (100, 50) if bench.small else (1_000, 200)

    def measure() -> Iterator[Row]:
        for server in _everyone(bench):
            # The limit of a burst is all of it in one write; that of a paced load is one write an event.
            target = _asking(server, f"together={items}") if server.name == "limit" else server
            for wire in _wires(server):
                result = bench.readers(target, wire, readers=readers, expect=items, publish=(items, 0), timeout=90)
                yield row("burst", server, wire, items, result)

    yield from bench.rounds(measure)


def _asking(server: Server, parameter: str) -> Server:
    verb, url = server.publish
    return replace(server, publish=(verb, f"{url}?{parameter}"))


def paced(bench: Bench) -> Iterator[Row]:
    """20 items a second: what one delivery costs, and how late it is."""
    readers, items = (100, 10) if bench.small else (1_000, 200)

    def measure() -> Iterator[Row]:
        for server in _everyone(bench):
            # socketify polls without pause when it is idle: its CPU time says nothing, and its publisher knows no pace.
            for wire in _wires(server) if server.name != "socketify" else ():
                result = bench.readers(server, wire, readers=readers, expect=items, publish=(items, 20), timeout=60)
                yield row("paced", server, wire, items, result)

    yield from bench.rounds(measure)


def memory(bench: Bench) -> Iterator[Row]:
    """Idle readers: what one costs in resident memory, in a process that has served nobody before."""
    readers = 500 if bench.small else 10_000
    for wire in WIRES:
        for server in _everyone(bench):
            if getattr(server, wire) and server.name != "limit":
                result = bench.readers(server, wire, readers=readers, hold=1, timeout=120, rate=2_000)
                yield row("memory", server, wire, 0, result)


def storm(bench: Bench) -> Iterator[Row]:
    """Everybody comes back at once, and each is owed the last 100 items."""
    readers = 200 if bench.small else 2_000

    def measure() -> Iterator[Row]:
        for server in _everyone(bench):
            if server.name == "livefeed":
                publish(server, 200, bench.size)
                path = f"{server.sse}?after={cursor_of(server, 100)}"
            elif server.last:
                publish(server, 200, bench.size)
                path = server.last
            else:
                continue
            for wire in _wires(server):
                result = bench.readers(server, wire, readers=readers, expect=100, rate=0, settle=0, path=path, timeout=60)
                yield row("storm", server, wire, 100, result)

    yield from bench.rounds(measure)
