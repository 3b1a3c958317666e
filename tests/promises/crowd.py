"""Workers and their clients around one log: everything that can happen to them, one step at a time."""

from __future__ import annotations

from random import Random

from livefeed.compression import GZIP
from livefeed.cursors import BIRTH, Cursor
from livefeed.eventstream import SSE
from livefeed.filters import Filter
from livefeed.reader import After, FromNow, Newest, Reader, Start, State, Unknown
from livefeed.wires import Wire
from tests.promises.client import Client
from tests.promises.toy_log import TAGS
from tests.promises.truth import Truth
from tests.promises.worker import Ask, Worker

__all__ = ["Crowd"]


class Crowd:
    """What is drawn is drawn from *random*."""

    def __init__(self, log: Truth, random: Random, workers: int) -> None:
        self.log = log
        self.random = random
        self.workers = [self._worker() for _ in range(workers)]
        self.left: list[Client] = []

    def _worker(self) -> Worker:
        return Worker(self.log, self.log.head() or BIRTH, self.random)

    def worker(self) -> Worker:
        return self.random.choice(self.workers)

    # -- clients

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
        # The log's own name for a floor whose time is unknown is 0-<number>: no event ever has it.
        if isinstance(start, After) and start.position != BIRTH and start.position.ms <= 0:
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

    # -- workers

    def beat(self) -> None:
        channel = self.worker().channel
        channel.notices.heartbeat(list(channel.readers), channel.ring.head)

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

    def another_history(self) -> None:
        """On the one that took over, what was killed may not have been."""
        for worker in self.workers:
            worker.knows_killed.clear()

    # -- the end: when nothing hinders anybody any more, everybody has everything

    def settle(self) -> None:
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
                if self._is_level(worker):
                    break
            self._check(worker)

    def _is_level(self, worker: Worker) -> bool:
        live = all(client.closed or (client.reader and client.reader.state is State.LIVE) for client in worker.clients)
        return live and not worker.busy and worker.channel.ring.head == self.log.head()

    def _check(self, worker: Worker) -> None:
        self.log.given.clock += 15_000
        worker.channel.notices.heartbeat(list(worker.channel.readers), worker.channel.ring.head)
        last = self.log.branch.last
        assert worker.channel.ring.head == last.cursor, "the tail is not level"
        for client in worker.clients:
            if client.closed:
                continue
            assert client.reader is not None
            assert client.reader.state is State.LIVE, f"{client.start} is {client.reader.state} in the end"
            assert not client.stale, "nobody said that it is over"
            assert client.quietly_at(last), f"{client.at} is not {last}: the end was never told"
