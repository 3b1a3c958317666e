"""One process of the server, without a clock, a loop or a socket: each thing it does is done when a test says so.

The real `Channel`, `Ring`, `Groups` and `Reader`, and the real tail's way through a feed. A read of the log, the moment at which
it is carried out and the moment at which its answer arrives are three steps.
"""

from __future__ import annotations

import contextlib
from collections.abc import Coroutine, Generator, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, cast

import structlog

from livefeed.channel import Channel
from livefeed.counters import Counters
from livefeed.cursors import BIRTH, Cursor
from livefeed.exceptions import Unavailable
from livefeed.holes import Page
from livefeed.log.eventlog import EventLog
from livefeed.log.listener import Listener
from livefeed.terms import Terms
from livefeed.waiting import ListNewest, ReadAfter, Request
from tests.promises.client import Client
from tests.promises.history import Told
from tests.promises.truth import Truth

__all__ = ["Ask", "Worker", "quiet"]

FEED = "world"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the log lines of the accidents, of which there are thousands."""
    told = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        yield
    finally:
        structlog.configure(**told)


@dataclass(eq=False, slots=True)
class Call:
    """Something asked of Redis: carried out at one moment, answered at a later one."""

    name: str
    position: Cursor = BIRTH
    done: bool = False
    answer: Any = None

    def __await__(self) -> Generator[Call, Any, Any]:
        return (yield self)


class Far:
    """The log as the tail sees it: each call waits until the simulation answers it."""

    async def read(self, _: str, after: Cursor, __: int = 0) -> Any:
        return await Call("read", after)

    async def head(self, _: str) -> Any:
        return await Call("head")


@dataclass(eq=False, slots=True)
class Ask:
    request: Request
    generation: int
    done: bool = False
    answer: Any = None


class Worker:
    """One process: a channel, its tail, and the questions that are under way."""

    def __init__(self, log: Truth, head: Cursor, random: Random) -> None:
        self.log = log
        self.random = random
        terms = Terms(version="0", heartbeat=15, now=lambda: log.given.clock)
        # So few events that every edge of a ring and of a block is met within a few steps.
        self.channel = Channel(FEED, head, terms=terms, ask=self._ask, counters=Counters(), ring_events=5, block_events=3)
        self.listener = Listener(cast("EventLog", Far()), cast("Any", None), Counters())
        self.asks: list[Ask] = []
        self.knows_killed: set[Told] = set()
        self.clients: list[Client] = []
        self.lost = False
        self._following: Coroutine[Any, Any, None] | None = None
        self._call: Call | None = None
        self._head: Cursor | None = None

    def _ask(self, _: Channel, request: Request, generation: int) -> None:
        self.asks.append(Ask(request, generation))

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return self.lost or self._following is not None or bool(self.asks)

    # -- readers' questions

    def carry_out(self, ask: Ask) -> None:
        if not ask.done:
            match ask.request:
                case ReadAfter(position):
                    ask.answer = self.log.read(position, self.random.randint(1, 6))
                case ListNewest(items, only):
                    ask.answer = self.log.newest(items, only)
            ask.done = True

    def answer(self, ask: Ask) -> None:
        self.asks.remove(ask)
        self.channel.answer(ask.request, ask.generation, ask.answer)
        if self.channel.stale_since is not None:
            for client in self.clients:
                told = client.stale or client.closed or not client.greeted or not client.writable
                assert told, "a reader was not told that the log cannot be heard"

    def fail(self, ask: Ask) -> None:
        self.asks.remove(ask)
        self.channel.failed(ask.request)

    # -- the tail

    def follow(self) -> None:
        """The bell rang, or was silent for long enough."""
        if self._following is None and not self.lost:
            self._following = self.listener._follow(self.channel)
            self._send(None)

    def step(self) -> None:
        """Go on with what the tail waits for."""
        call = self._call
        if call is None:
            return
        if not call.done:
            call.answer = self.log.head() if call.name == "head" else self.log.read(call.position, self.random.randint(1, 6))
            call.done = True
            return
        if isinstance(call.answer, Page):
            self._learn(call.answer)
        self._send(call.answer)

    def _learn(self, page: Page) -> None:
        for event in page.events:
            if event.type.removes:
                told = self.log.known[event.cursor].before
                while told is not None:
                    if told.item == event.item_id:
                        self.knows_killed.add(told)
                    told = told.before

    def _send(self, answer: object) -> None:
        assert self._following is not None
        try:
            self._call = self._following.send(answer)
        except StopIteration:
            self._following = self._call = None

    def lose_redis(self) -> None:
        """The tail's connection is gone, and with it what it waited for."""
        if self._following is not None:
            with contextlib.suppress(Unavailable):
                self._following.throw(Unavailable("gone", retry_after=1))
        self._following = self._call = self._head = None
        self.lost = True

    def recover(self) -> None:
        """As the tail does it: ask, tell the readers when there is no answer, begin again when there is one."""
        if not self.lost:
            return
        if self._head is None:
            if self.random.random() < 0.5:
                self.channel.stale()
            else:
                self._head = self.log.head() or BIRTH
            return
        self.lost = False
        if self.channel.stale_since is None:
            self.channel.restart(self._head)
        else:
            self.channel.fresh(self._head)
        self._head = None

    def end(self) -> None:
        """`kill -9`"""
        if self._following is not None:
            self._following.close()
        for client in self.clients:
            client.closed = True
