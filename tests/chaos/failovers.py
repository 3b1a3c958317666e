"""A replica takes over: one that has everything that was answered at the level `replica`, and one that was detached before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from redis import Redis

from livefeed.publisher import Publisher
from tests.chaos.readers import Reader
from tests.chaos.rig import FEED, Outcome, Rig, Scale, rig
from tests.following import following
from tests.ports import settled_port
from tests.stores import Store
from tests.waiting import until

__all__ = ["failovers", "replicated"]

LOG = f"livefeed:{{{FEED}}}:log"


AT_ONCE = ("--repl-diskless-sync-delay", "0")
"""A primary does not wait for more replicas than the one that asks."""


class _Pair:
    """The primary of *own* and, from time to time, a replica of it, as an operator has them."""

    def __init__(self, own: Rig, scale: Scale) -> None:
        self.own = own
        self.scale = scale
        self.replica: Store | None = None
        self._port = own.store.port
        self._count = 0

    async def attach(self) -> None:
        """A new replica, level with the primary."""
        self._count += 1
        folder = self.own.folder / f"replica{self._count}"
        folder.mkdir()
        self.replica = Store(folder, *AT_ONCE, port=settled_port(), program=self.scale.program)
        await self.replica.start_soon()
        with Redis.from_url(self.replica.url) as far:
            far.execute_command("REPLICAOF", "127.0.0.1", self._port)
            await until(lambda: _linked(far), 30)

    async def detach(self) -> None:
        """It hears of nothing any more."""
        assert self.replica is not None
        with Redis.from_url(self.replica.url) as far:
            far.execute_command("REPLICAOF", "NO", "ONE")

    async def take_over(self) -> set[str]:
        """The primary is killed, and the replica stands in its place; the ids that it has."""
        own, replica = self.own, self.replica
        assert replica is not None
        await asyncio.to_thread(own.store.kill)
        await self.detach()
        with Redis.from_url(replica.url) as far:
            entries: Any = far.xrange(LOG)
        own.store, self.replica, self._port = replica, None, replica.port
        return {entry_id.decode() for entry_id, _ in entries}

    async def connect(self) -> None:
        """The server's way leads to who took over."""
        self.own.proxy.target = self.own.store.socket
        self.own.proxy.reset()


def _linked(far: Any) -> bool:
    told = far.info("replication")
    return bool(told["master_link_status"] == "up" and not told["master_sync_in_progress"])


@asynccontextmanager
async def _pair(scale: Scale, durability: str = "memory") -> AsyncIterator[tuple[Rig, _Pair]]:
    async with rig(scale, *AT_ONCE, port=settled_port(), LIVEFEED_DURABILITY=durability) as own:
        pair = _Pair(own, scale)
        try:
            yield own, pair
        finally:
            if pair.replica is not None:
                pair.replica.kill()


async def replicated(scale: Scale) -> Outcome:
    """`kill -9` of the primary, and failover to a replica, with `durability=replica`: no acknowledged item may be lost."""
    kills, items, each = scale.of(10, 2), scale.of(1_500, 150), scale.of(20, 4)
    async with _pair(scale, "replica") as (own, pair):
        await pair.attach()
        readers = _watched(own.readers(each, each))
        async with following(readers):
            publishing = asyncio.create_task(own.publish_many(range(items), at_once=4))
            for kill in range(1, kills + 1):
                share = items * kill // (kills + 1)
                await until(partial(_has_acked, own, share), 120)
                await pair.take_over()
                await pair.connect()
                await pair.attach()
            await publishing
            await own.level(readers)
        wrong = {"acknowledged but lost": own.ledger.lost, "published twice": _doubled(own), **_alarms(own, readers)}
        verdict = own.judge(readers, failovers=kills, resets=sum(len(r.heard.resets) for r in readers), **wrong)
        verdict.violations += sum(wrong.values())
        return verdict


def _has_acked(own: Rig, count: int) -> bool:
    return len(own.ledger.acked) >= count


async def failovers(scale: Scale) -> Outcome:
    """Failover to a detached replica that lacks acknowledged items, with or without new items of its own."""
    rounds, each = scale.of(10, 2), scale.of(10, 4)
    told: list[float] = []
    async with _pair(scale) as (own, pair):
        readers, absent = _watched(own.readers(each, each)), _watched(own.readers(each, each))
        async with following(readers):
            for number in range(0, rounds * 100, 100):
                await own.publish_many(range(number, number + 20))
                await pair.attach()
                async with following(absent):
                    await own.level([*readers, *absent])
                await pair.detach()
                await own.publish_many(range(number + 20, number + 30))
                await own.level(readers)
                await pair.take_over()
                if number % 200:
                    # The same numbers are given again before anybody looks.
                    await _grow(own, range(number + 30, number + 45))
                told.append(await _told(own, pair, readers))
            await own.publish_many(range(rounds * 100, rounds * 100 + 20))
            async with following(absent):
                await own.level([*readers, *absent])
        wrong = {"not notified": told.count(99.0), **_alarms(own, [*readers, *absent])}
        verdict = own.judge([*readers, *absent], losses=rounds, slowest_notice=round(max(told), 2), **wrong)
        verdict.violations += sum(wrong.values()) + (scale.full and max(told) > 2)
        return verdict


async def _grow(own: Rig, numbers: range) -> None:
    async with Publisher(own.store.url) as publisher:
        for number in numbers:
            done = await publisher.publish(FEED, own.item(number))
            own.ledger.acked[f"urn:chaos:{number}"] = str(done.event)


async def _told(own: Rig, pair: _Pair, readers: list[Reader]) -> float:
    """Seconds until every one of *readers*, which all lost something, was told; 99 when one never was."""
    before = [len(reader.heard.resets) for reader in readers]
    await pair.connect()
    began = time.monotonic()
    with suppress(TimeoutError):
        await until(lambda: all(len(r.heard.resets) > count for r, count in zip(readers, before, strict=True)), 15)
        return time.monotonic() - began
    return 99.0


def _watched(readers: list[Reader]) -> list[Reader]:
    for reader in readers:
        reader.heard.line = []
    return readers


def _alarms(own: Rig, readers: list[Reader]) -> dict[str, int]:
    """Who believes to this day in what is gone, and who was alarmed at a position that the log has."""
    with own.hand as hand:
        entries: Any = hand.xrange(LOG)
    kept = {entry_id.decode() for entry_id, _ in entries}
    heard = [reader.heard for reader in readers]
    return {
        "loss not noticed": sum(not kept.issuperset(each.line or ()) for each in heard),
        "unnecessary resets": sum(position in kept for each in heard for position in each.alarms),
    }


def _doubled(own: Rig) -> int:
    """Items that the log has twice: what a lost branch had of them does not count."""
    with own.hand as hand:
        entries: Any = hand.xrange(LOG)
    named = [fields[b"u"] for _, fields in entries]
    return len(named) - len(set(named))
