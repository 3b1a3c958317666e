"""A listener: hears the logs of some feeds at one doorbell.

`XREAD BLOCK` is the doorbell. The entries it returns are used directly when they prove that they follow the last event heard.
Otherwise the log is read by the same rule as everywhere else, and so it is for a feed that stayed silent: a stream that was
deleted and filled again with lower ids wakes nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

import structlog
from redis.asyncio import Redis, RedisCluster

from livefeed.channel import Channel
from livefeed.counters import Counters
from livefeed.cursors import BIRTH, Cursor
from livefeed.exceptions import Unavailable
from livefeed.holes import Hole, NoFeed, Page
from livefeed.log import scripts
from livefeed.log.doorbell import BLOCK, Doorbell, Entry
from livefeed.log.eventlog import EventLog, chained
from livefeed.log.keys import Keys

__all__ = ["AHEAD", "Listener", "check_role"]

AHEAD = 500
"""Events per read: a burst becomes a few large writes to each reader instead of many small ones."""

AT_ONCE = 200
"""Silent feeds that are read in one turn: 10 ms during which no event is heard."""

LONG = 0.01
"""Seconds of writing to readers after which others are let in first: a thousand readers take less."""

REST = 0.25
"""How long they are let in, as a share of the time that was spent on writing."""

_log = structlog.get_logger("livefeed.tail")


class Listener:
    """Hears the logs of the channels that it was given, at *bell*."""

    def __init__(self, log: EventLog, bell: Doorbell, counters: Counters) -> None:
        self.log = log
        self.bell = bell
        self.counters = counters
        self.progress = time.monotonic()
        """When the logs were last read (monotonic)."""
        self._channels: Mapping[str, Channel] = {}
        """By the keys of their logs. Replaced, not changed: a turn in progress keeps its own."""
        self._given = asyncio.Event()
        """Set while it has channels."""
        self._rung: dict[str, Cursor] = {}
        self._looked: dict[str, float] = {}
        self._spent = 0.0
        """Seconds of writing to readers since the last rest."""

    def __len__(self) -> int:
        return len(self._channels)

    def add(self, channel: Channel) -> None:
        if not self._channels:
            self.progress = time.monotonic()
            self._given.set()
        self._channels = {**self._channels, Keys(channel.feed).log: channel}
        self.bell.wake()

    def remove(self, channel: Channel) -> None:
        self._channels = {name: other for name, other in self._channels.items() if other is not channel}
        if not self._channels:
            self._given.clear()
        self.bell.wake()

    async def listen(self) -> NoReturn:
        """Hear what is appended, until that fails: with `Unavailable` when Redis does."""
        while True:
            if not self._channels:
                await self.bell.aclose()
                await self._given.wait()
            await self._turn(self._channels)

    async def _turn(self, channels: Mapping[str, Channel]) -> None:
        above = {name: channel.ring.head for name, channel in channels.items()}
        above |= {name: max(above[name], rung) for name, rung in self._rung.items() if name in above}
        try:
            rung = await self.bell.wait(above)
        except scripts.WrongTypeError:
            # Some key is not a stream: reading each log finds out which.
            rung = dict.fromkeys(channels)
        # A foreign entry rings too, but is no event. Listening continues above it, until the next silence.
        self._rung = {name: Cursor.of_entry(entries[-1][0]) for name, entries in rung.items() if entries}
        for name, entries in rung.items():
            if entries:
                await self._look(channels[name], entries)
        silent = self._overdue(channels, [name for name, entries in rung.items() if not entries])
        await self._look_at_all([channels[name] for name in silent])
        if silent:
            await check_role(self.log.redis)
        self.progress = time.monotonic()
        await self._rest()

    async def _rest(self) -> None:
        """Let those in who waited while many readers were written to.

        What was published meanwhile is appended now and heard together. Otherwise each pass over ten thousand readers would
        bring them what was ready when the last one began, and an item would wait for two passes instead of one.
        """
        spent, self._spent = self._spent, 0.0
        if spent > LONG:
            await asyncio.sleep(spent * REST)

    def _overdue(self, names: Iterable[str], silent: Sequence[str]) -> list[str]:
        """Those of *names* to read now: the *silent* ones, and all that were not read for `BLOCK`.

        While one feed is busy, the bell never reports silence for the others. Only some are read in one turn, because nobody
        listens meanwhile.
        """
        now = time.monotonic()
        looked = {name: self._looked.get(name, 0.0) for name in names} | dict.fromkeys(silent, 0.0)
        due = [name for name, at in looked.items() if now - at >= BLOCK / 1_000]
        chosen = due[:AT_ONCE]
        if len(due) > len(chosen):
            self.bell.wake()
        self._looked = looked | dict.fromkeys(chosen, now)
        return chosen

    async def _look_at_all(self, channels: Sequence[Channel]) -> None:
        """Look at *channels*, of which almost all are as they were."""
        heads = {channel.feed: channel.ring.head for channel in channels if channel.stale_since is None}
        quiet = dict(zip(heads, await self.log.quiet(heads), strict=True)) if heads else {}
        for channel in channels:
            if quiet.get(channel.feed):
                channel.checked()
            else:
                await self._look(channel, ())

    async def _look(self, channel: Channel, rung: Sequence[Entry]) -> None:
        """Hear what there is; *rung* is what the bell brought. Keys of one feed in other hands are no fault of the others."""
        try:
            if channel.stale_since is not None:
                channel.fresh(await self.log.head(channel.feed) or BIRTH)
            if not self._heard(channel, rung):
                await self._follow(channel)
        except scripts.WrongTypeError as exc:
            if channel.stale_since is None:
                _log.warning("the log of the feed cannot be read", feed=channel.feed, reason=str(exc))
            channel.stale()

    def _heard(self, channel: Channel, rung: Sequence[Entry]) -> bool:
        """Hear what the bell brought; false when the log must be read instead."""
        # In the middle of a batch the bell brings only its first events. A read returns all, for one write to each reader.
        events = None if self.log.appending > len(rung) else chained(channel.feed, channel.ring.head, rung)
        if events:
            page = Page(events)
            self._hear(channel, page)
        return bool(events)

    async def _follow(self, channel: Channel) -> None:
        while True:
            match await self.log.read(channel.feed, channel.ring.head, AHEAD):
                case Page(events, removed) as page:
                    if events or removed:
                        self._hear(channel, page)
                    else:
                        channel.checked()
                    if len(events) < AHEAD:
                        return
                case Hole(reason):
                    self.counters.tail_holes += 1
                    _log.warning("the event log has a hole", feed=channel.feed, reason=reason, after=str(channel.ring.head))
                    channel.restart(await self.log.head(channel.feed) or BIRTH)
                    return
                case NoFeed(deleted):
                    self._without_feed(channel, deleted)
                    return

    def _hear(self, channel: Channel, page: Page) -> None:
        self.counters.tail_events += len(page.events)
        now = time.time()
        for event in page.events:
            self.counters.hearing_seconds.observe(max(now - event.cursor.ms / 1000, 0.0))
        began = time.monotonic()
        channel.heard(page)
        self._spent += time.monotonic() - began

    def _without_feed(self, channel: Channel, deleted: bool) -> None:
        if deleted:
            channel.deleted()
        elif channel.ring.head != BIRTH:
            _log.warning("the feed has disappeared from Redis", feed=channel.feed)
            channel.restart(BIRTH)
        else:
            channel.checked()


async def check_role(redis: Redis) -> None:
    """Raise `Unavailable` on a replica: a demoted primary still answers reads, from a log that no longer grows."""
    if isinstance(redis, RedisCluster):
        # The Cluster client follows the slots, and so the roles of nodes.
        return
    role = await scripts.command(redis, "ROLE")
    if role[0] == b"slave":
        raise Unavailable("this Redis has become a replica")
