"""The worker's connections and their deadlines.

A single timer handles all of them: a timer for each of 20,000 readers would cost more memory than the readers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from livefeed.counters import Counters
from livefeed.limits import Addresses
from livefeed.net.limits import ConnectionLimits
from livefeed.outlets import Headers, Opening
from livefeed.ticks import until_tick

__all__ = ["Doorway", "Network", "Requesting", "Served", "Writing"]

_TICK = 1.0
_PUBLIC = 1_000
_ENDED_PER_TURN = 16
"""Requests whose time is up that are answered per iteration of the event loop. Those that came together also end together: 500
at once would delay connected readers by 70 ms."""


class Writing(Protocol):
    """A connection with data that its peer has not accepted yet."""

    def waiting(self) -> int:
        """The number of bytes that are waiting."""

    def abort(self) -> None: ...


class Served(Writing, Protocol):
    """A handed-over connection."""

    def ping(self) -> None:
        """Check whether the peer is alive. The connection closes itself if the previous check was not answered."""

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None: ...


class Requesting(Protocol):
    """A connection with an incomplete request, or with none."""

    def out_of_time(self) -> None: ...

    def timeout_keep_alive_handler(self) -> None:
        """It was idle for too long after an answer."""


class Doorway(Protocol):
    """Opens streams without the application."""

    def __call__(self, path: str, query: bytes, headers: Headers, offered: list[str] | None = None) -> Opening | None:
        """How to open the stream that a `GET` asks for, with *offered* subprotocols a WebSocket; None: by the application."""


class Network:
    """The state shared by one worker's connections. Pass `HttpProtocol.on(network)` to uvicorn as `http=`, with `ws="none"`."""

    def __init__(
        self, limits: ConnectionLimits | None = None, counters: Counters | None = None, doorway: Doorway | None = None
    ) -> None:
        self.doorway = doorway
        self.limits = limits or ConnectionLimits()
        self.counters = counters or Counters()
        per_address = self.limits.connections_per_address
        self._addresses = Addresses(_PUBLIC, public_only=True) if per_address is None else Addresses(per_address)
        self._streams: set[Served] = set()
        # Spread over the ticks of a ping interval: 20,000 pings at once would block the event loop.
        self._rounds: list[set[Served]] = [set() for _ in range(max(1, round(self.limits.ping_interval / _TICK)))]
        self._round = 0
        self._behind: dict[Writing, tuple[int, float, float]] = {}
        # Those with an individual response, the one that has been slow for longest first.
        self._answers: dict[Writing, None] = {}
        self._closing: dict[Served, float] = {}
        # Insertion order is deadline order, because the timeout is the same for all of a kind.
        self._heads: dict[Requesting, float] = {}
        self._bodies: dict[Requesting, float] = {}
        self._idle: dict[Requesting, float] = {}
        self._starts: deque[Callable[[], None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._empty: asyncio.Event | None = None

    def __len__(self) -> int:
        """The number of connected readers that were handed over."""
        return len(self._streams) + sum(map(len, self._rounds))

    def __iter__(self) -> Iterator[Served]:
        yield from list(self._streams)
        for members in self._rounds:
            yield from list(members)

    # Connections.

    def enter(self, address: str) -> bool:
        """Count a new connection; false if its address has reached the limit."""
        if not self._addresses.enter(address):
            self.counters.refused += 1
            return False
        return True

    def leave(self, address: str | None) -> None:
        if address is not None:
            self._addresses.leave(address)

    # Readers.

    def add_stream(self, served: Served) -> None:
        self._streams.add(served)
        self.counters.readers_sse += 1

    def add_websocket(self, served: Served) -> None:
        self._round_of(served).add(served)
        self.counters.readers_websocket += 1
        self._run()

    def discard(self, served: Served) -> None:
        if served in self._streams:
            self._streams.remove(served)
            self.counters.readers_sse -= 1
        else:
            self._round_of(served).remove(served)
            self.counters.readers_websocket -= 1
        self._behind.pop(served, None)
        self._closing.pop(served, None)
        if self._empty is not None and not len(self):
            self._empty.set()

    def behind(self, writing: Writing, patience: float) -> None:
        """Close the connection of *writing* if its peer accepts no data for *patience* seconds."""
        self._behind[writing] = (writing.waiting(), asyncio.get_running_loop().time(), patience)
        self._run()

    def behind_with_answer(self, writing: Writing) -> None:
        """The same for an ordinary response. The total size of such responses is limited."""
        self._answers[writing] = None
        self.behind(writing, self.limits.answer_timeout)

    def level(self, writing: Writing) -> None:
        """The peer of *writing* has accepted everything, or the connection is gone."""
        self._behind.pop(writing, None)
        self._answers.pop(writing, None)

    def closing(self, served: Served) -> None:
        """Abort *served* if it is not closed within the close timeout."""
        self._closing[served] = asyncio.get_running_loop().time() + self.limits.close_timeout
        self._run()

    async def drained(self, timeout: float) -> None:
        """Wait until all readers have disconnected; abort those that remain after *timeout* seconds."""
        self._empty = asyncio.Event()
        if not len(self):
            return
        try:
            async with asyncio.timeout(timeout):
                await self._empty.wait()
        except TimeoutError:
            for served in self:
                served.abort()

    def _round_of(self, served: Served) -> set[Served]:
        # Addresses of objects are multiples of their alignment; the multiplication spreads them evenly (Knuth, TAOCP 6.4).
        return self._rounds[(hash(served) * 2654435761 >> 16) % len(self._rounds)]

    # Requests.

    def await_head(self, connection: Requesting) -> None:
        self._idle.pop(connection, None)
        if connection not in self._heads:
            self._heads[connection] = asyncio.get_running_loop().time() + self.limits.head_timeout
            self._run()

    def await_body(self, connection: Requesting) -> None:
        self._heads.pop(connection, None)
        self._bodies.pop(connection, None)
        self._bodies[connection] = asyncio.get_running_loop().time() + self.limits.body_timeout
        self._run()

    def await_request(self, connection: Requesting, timeout: float) -> None:
        """*connection* was answered, and may be idle for *timeout* seconds."""
        self._idle[connection] = asyncio.get_running_loop().time() + timeout
        self._run()

    def received(self, connection: Requesting) -> None:
        """Remove the deadlines of *connection*."""
        self._heads.pop(connection, None)
        self._bodies.pop(connection, None)
        self._idle.pop(connection, None)

    def begin(self, start: Callable[[], None]) -> None:
        """Call *start* in this or one of the next iterations of the event loop, in order, a limited number per iteration."""
        if not self._starts:
            asyncio.get_running_loop().call_soon(self._begin_some)
        self._starts.append(start)

    def _begin_some(self) -> None:
        for _ in range(min(self.limits.starts_per_turn, len(self._starts))):
            self._starts.popleft()()
        if self._starts:
            asyncio.get_running_loop().call_soon(self._begin_some)

    # Time.

    def _run(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(until_tick(loop.time(), _TICK), self._tick)

    def _tick(self) -> None:
        now = asyncio.get_running_loop().time()
        self._timer = None
        self._expire(self._heads, now)
        self._expire(self._bodies, now)
        self._expire(self._idle, now)
        self._end_closing(now)
        self._end_stuck(now)
        self._end_hoarders()
        self._round = (self._round + 1) % len(self._rounds)
        for served in list(self._rounds[self._round]):
            served.ping()
        if self._heads or self._bodies or self._idle or self._closing or self._behind or any(self._rounds):
            self._run()

    def _expire(self, due: dict[Requesting, float], now: float) -> None:
        for _ in range(_ENDED_PER_TURN):
            connection, deadline = next(iter(due.items()), (None, now))
            if connection is None or deadline > now:
                return
            del due[connection]
            if due is self._idle:
                connection.timeout_keep_alive_handler()
            else:
                connection.out_of_time()
        asyncio.get_running_loop().call_soon(self._expire, due, now)

    def _end_closing(self, now: float) -> None:
        for served in [served for served, deadline in self._closing.items() if deadline <= now]:
            del self._closing[served]
            served.abort()

    def _end_stuck(self, now: float) -> None:
        for writing, (waiting, since, patience) in list(self._behind.items()):
            left = writing.waiting()
            if left < waiting:
                self._behind[writing] = (left, now, patience)
            elif now - since >= patience:
                self._give_up(writing)
            elif left > waiting:
                # More was written meanwhile. Only accepted data counts as progress.
                self._behind[writing] = (left, since, patience)

    def _end_hoarders(self) -> None:
        # A peer that accepts a byte now and then is not stuck, but a thousand of them could hold a gigabyte.
        held = {writing: writing.waiting() for writing in self._answers}
        total = sum(held.values())
        for writing, waiting in held.items():
            if total <= self.limits.max_answers:
                return
            total -= waiting
            self._give_up(writing)

    def _give_up(self, writing: Writing) -> None:
        self.level(writing)
        self.counters.connections_stuck += 1
        writing.abort()
