"""A whole server with its readers, without a clock, a loop or a socket: what happens next is drawn from a seed.

The real `Channel`, `Ring`, `Groups` and `Reader`, and the real tail's way through a feed, between a log and clients of the test's
own. A read of the log, the moment at which it is carried out and the moment at which its answer arrives are three steps.

    python -m tests.promises.simulation --seeds 20000 [--first N]
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Coroutine, Generator, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, cast

import structlog

from livefeed.channel import Channel
from livefeed.compression import GZIP
from livefeed.counters import Counters
from livefeed.cursors import BIRTH, Cursor
from livefeed.eventstream import SSE
from livefeed.exceptions import Unavailable
from livefeed.filters import Filter
from livefeed.holes import Page
from livefeed.log.eventlog import EventLog
from livefeed.log.tail import Tail
from livefeed.reader import After, FromNow, Newest, Reader, Start, State, Unknown
from livefeed.terms import Terms
from livefeed.waiting import ListNewest, ReadAfter, Request
from livefeed.wires import Wire
from tests.promises.client import Client
from tests.promises.history import Told
from tests.promises.toy_log import TAGS, ToyLog

__all__ = ["Simulation", "quiet"]

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

    def __init__(self, log: ToyLog, head: Cursor, random: Random) -> None:
        self.log = log
        self.random = random
        terms = Terms(version="0", heartbeat=15, now=lambda: log.clock)
        # So few events that every edge of a ring and of a block is met within a few steps.
        self.channel = Channel(FEED, head, terms=terms, ask=self._ask, counters=Counters(), ring_events=5, block_events=3)
        self.tail = Tail(cast("EventLog", Far()), cast("Any", None), {FEED: self.channel}, Counters())
        self.asks: list[Ask] = []
        self.knows_killed: set[Told] = set()
        self.clients: list[Client] = []
        self.lost = False
        self._following: Coroutine[Any, Any, None] | None = None
        self._call: Call | None = None
        self._head: Cursor | None = None

    def _ask(self, _: Channel, request: Request, generation: int) -> None:
        self.asks.append(Ask(request, generation))

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
            self._following = self.tail._follow(self.channel)
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


class Simulation:
    """One run. Everything in it follows from *seed*."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.log = ToyLog(self.random)
        for _ in range(self.random.randrange(8)):
            self.log.publish()
        self.workers = [self._worker() for _ in range(self.random.choice([1, 2, 2, 3]))]
        self.left: list[Client] = []
        # How lively each kind of thing is differs from run to run, or all runs would be alike.
        self.deeds = {
            deed: weight * self.random.choice([0.2, 1, 1, 3])
            for deed, weight in {
                self.log.publish: 12.0,
                self.log.update: 3.0,
                self.log.kill: 3.0,
                self.log.trim: 1.5,
                self.log.damage: 0.4,
                self.log.save: 0.7,
                self.fail_over: 0.5,
                self.log.flush: 0.1,
                self.log.delete: 0.1,
                self.log.make: 0.5,
                self.join: 6.0,
                self.come_back: 3.0,
                self.slow: 2.0,
                self.fast: 5.0,
                self.leave: 1.0,
                self.beat: 2.0,
                self.follow: 10.0,
                self.step: 25.0,
                self.carry_out: 10.0,
                self.answer: 10.0,
                self.fail: 0.7,
                self.lose_redis: 0.7,
                self.recover: 4.0,
                self.end_worker: 0.3,
            }.items()
        }

    def run(self, steps: int = 100) -> None:
        for deed in self.random.choices(list(self.deeds), list(self.deeds.values()), k=steps):
            deed()
            self.log.clock += 400
        self.settle()

    def _worker(self) -> Worker:
        return Worker(self.log, self.log.head() or BIRTH, self.random)

    def worker(self) -> Worker:
        return self.random.choice(self.workers)

    # -- what happens

    def fail_over(self) -> None:
        self.log.fail_over()
        for worker in self.workers:
            # On this history it may not have been killed.
            worker.knows_killed.clear()

    def join(self) -> None:
        known = list(self.log.known)
        # Where others stand too, most often: what is made for one is given to the next.
        near = self.random.choice(known[-6:] if self.random.random() < 0.6 else known)
        starts: list[Start] = [
            FromNow(),
            After(near),
            After(near, given=False),
            After(self.log.branch.last.cursor),
            After(self.log.branch.floor.cursor),
            After(Cursor(near.ms + self.random.choice([-1, 1]) * 100_000, near.seq)),
            After(Cursor(near.ms, near.seq + 1)),
            Newest(self.random.randint(0, 5)),
            Unknown("unknown"),
        ]
        start = self.random.choice(starts)
        if isinstance(start, After) and start.position.ms < 0:
            return
        tags = frozenset(self.random.sample(TAGS, self.random.choice([0, 0, 1, 2])))
        only = self.random.choice([Filter.ALL, Filter.ALL, Filter(tags), Filter(tags, self.random.randint(3, 8))])
        self._connect(start, only)

    def come_back(self) -> None:
        """With the last position heard, as `Last-Event-ID`, to any worker."""
        left = [client for client in self.left if client.at is not None]
        if left:
            client = self.random.choice(left)
            self.left.remove(client)
            assert client.at is not None
            self._connect(After(client.at.cursor), client.only)

    def _connect(self, start: Start, only: Filter) -> None:
        worker = self.worker()
        wires: list[Wire] = [SSE, SSE, SSE, GZIP]
        client = Client(self.log, self.random, start, only, self.random.choice(wires), worker.knows_killed.__contains__)
        client.reader = Reader(worker.channel, client, start, only=only, items=self.random.randint(1, 5))
        worker.clients.append(client)
        worker.channel.join(client.reader)

    def client(self) -> Client | None:
        worker = self.worker()
        for client in [each for each in worker.clients if each.closed]:
            worker.clients.remove(client)
            self.left.append(client)
        return self.random.choice(worker.clients) if worker.clients else None

    def slow(self) -> None:
        if client := self.client():
            client.pause()

    def fast(self) -> None:
        if client := self.client():
            client.resume()

    def leave(self) -> None:
        if client := self.client():
            client.leave()

    def beat(self) -> None:
        channel = self.worker().channel
        channel.beat(list(channel.readers))

    def follow(self) -> None:
        self.worker().follow()

    def step(self) -> None:
        self.worker().step()

    def _asked(self, *, done: bool) -> tuple[Worker, Ask] | None:
        worker = self.worker()
        asks = [ask for ask in worker.asks if ask.done is done]
        return (worker, self.random.choice(asks)) if asks else None

    def carry_out(self) -> None:
        if found := self._asked(done=False):
            found[0].carry_out(found[1])

    def answer(self) -> None:
        if found := self._asked(done=True):
            found[0].answer(found[1])

    def fail(self) -> None:
        if found := self._asked(done=False):
            found[0].fail(found[1])

    def lose_redis(self) -> None:
        self.worker().lose_redis()

    def recover(self) -> None:
        self.worker().recover()

    def end_worker(self) -> None:
        worker = self.worker()
        worker.end()
        self.left += worker.clients
        self.workers[self.workers.index(worker)] = self._worker()

    # -- the end: when nothing hinders anybody any more, everybody has everything

    def settle(self) -> None:
        self.log.make()
        for worker in self.workers:
            for client in worker.clients:
                client.calm = True
                client.resume()
            for _ in range(200):
                worker.recover()
                worker.follow()
                worker.step()
                for ask in list(worker.asks):
                    worker.carry_out(ask)
                    worker.answer(ask)
            self._check(worker)

    def _check(self, worker: Worker) -> None:
        self.log.clock += 15_000
        worker.channel.beat(list(worker.channel.readers))
        last = self.log.branch.last
        assert worker.channel.ring.head == last.cursor, "the tail is not level"
        for client in worker.clients:
            if client.closed:
                continue
            assert client.reader is not None
            assert client.reader.state is State.LIVE, f"{client.start} is {client.reader.state} in the end"
            assert not client.stale, "nobody said that it is over"
            assert client.quietly_at(last), f"{client.at} is not {last}: the end was never told"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=2_000)
    parser.add_argument("--first", type=int, default=0)
    wanted = parser.parse_args()
    with quiet():
        for seed in range(wanted.first, wanted.first + wanted.seeds):
            try:
                Simulation(seed).run()
            except Exception as exc:
                raise SystemExit(f"seed {seed}: {exc!r}") from exc


if __name__ == "__main__":
    main()
