"""The tail: how one worker hears all the logs that it has readers for.

`XREAD BLOCK` is only the doorbell. What it announces is read by the same rule as everything else, and so is a feed for which it
stayed silent: a stream that was deleted and filled again with lower ids rings nobody's bell.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping
from typing import Any

import structlog
from redis.asyncio import Redis

from livefeed.channel import Channel
from livefeed.counters import Counters
from livefeed.cursors import BIRTH, Cursor
from livefeed.exceptions import Unavailable
from livefeed.holes import Hole, NoFeed, Page
from livefeed.log import scripts
from livefeed.log.eventlog import EventLog
from livefeed.log.keys import Keys

__all__ = ["BLOCK", "Tail"]

BLOCK = 2_000
"""ms that the doorbell is waited for. Longer, and a dead Redis would be noticed later than readers are promised to be told."""

AHEAD = 500
"""Events that are heard at once: a burst becomes few large writes to each reader instead of many small ones."""

PROBE = 1.0
"""Seconds for the first questions after a connection was lost."""

_log = structlog.get_logger("livefeed.tail")


class Tail:
    """Follows the logs of *channels*, over *bell*, a client for blocking reads whose timeout is just above `BLOCK`."""

    def __init__(self, log: EventLog, bell: Redis, channels: Mapping[str, Channel], counters: Counters) -> None:
        self.log = log
        self.bell = bell
        self.channels = channels
        self.counters = counters
        self.progress = time.monotonic()
        """When the logs were last heard, for readiness."""
        self._changed = asyncio.Event()
        self._rung: dict[str, Cursor] = {}

    def changed(self) -> None:
        """A channel came or went."""
        self._changed.set()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._listen()
            except Unavailable as exc:
                _log.warning("the event logs cannot be heard", reason=str(exc))
            except Exception:  # noqa: BLE001  # a supervised loop: what failed is begun again, and counted
                _log.exception("following the event logs failed")
            self.counters.tail_restarts += 1
            await self._recover()

    async def _listen(self) -> None:
        async with self.bell.client() as connection:
            client_id = await scripts.command(connection, "CLIENT", "ID")
            while True:
                self._changed.clear()
                if not self.channels:
                    self.progress = time.monotonic()
                    # Nobody reads: that is no fault, and has to be seen as progress like everything else.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(BLOCK / 1_000):
                            await self._changed.wait()
                    continue
                rung = await self._wait(connection, client_id)
                for feed in rung or list(self.channels):
                    channel = self.channels.get(feed)
                    if channel is not None:
                        await self._follow(channel)
                if not rung:
                    await self._check_role()
                self.progress = time.monotonic()

    async def _wait(self, connection: Redis, client_id: int) -> list[str]:
        """The feeds whose bell rang; none when it stayed silent for `BLOCK`, or a channel came."""
        feeds = list(self.channels)
        after = [str(max(self.channels[feed].ring.head, self._rung.get(feed, BIRTH))) for feed in feeds]
        names = [Keys(feed).log for feed in feeds]
        reading = asyncio.ensure_future(
            scripts.command(connection, "XREAD", "COUNT", 1, "BLOCK", BLOCK, "STREAMS", *names, *after)
        )
        changing = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({reading, changing}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                await scripts.command(self.log.redis, "CLIENT", "UNBLOCK", client_id)
            try:
                return self._heard(dict(zip(names, feeds, strict=True)), await reading)
            except scripts.WrongTypeError:
                # Some log is not one any more. Looking at each feed finds out which; the pause keeps this from spinning.
                await asyncio.sleep(BLOCK / 10_000)
                return []
        finally:
            changing.cancel()
            reading.cancel()
            await asyncio.gather(reading, changing, return_exceptions=True)

    def _heard(self, feeds: Mapping[str, str], answer: Any) -> list[str]:
        self._rung = {}
        for name, entries in (answer or {}).items():
            # A foreign entry rings the bell and is no event. Listening goes on above it, until the next silence.
            self._rung[feeds[name.decode()]] = Cursor.of_entry(entries[-1][0])
        return list(self._rung)

    async def _follow(self, channel: Channel) -> None:
        while True:
            match await self.log.read(channel.feed, channel.ring.head, AHEAD):
                case Page(events, removed) as page:
                    if events or removed:
                        self._measure(page)
                        channel.heard(page)
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

    def _measure(self, page: Page) -> None:
        self.counters.tail_events += len(page.events)
        now = time.time()
        for event in page.events:
            self.counters.hearing_seconds.observe(max(now - event.cursor.ms / 1000, 0.0))

    def _without_feed(self, channel: Channel, deleted: bool) -> None:
        if deleted:
            channel.deleted()
        elif channel.ring.head != BIRTH:
            _log.warning("the feed is gone from Redis", feed=channel.feed)
            channel.restart(BIRTH)
        else:
            channel.checked()

    async def _check_role(self) -> None:
        """A primary that was demoted goes on answering reads, of a log that no longer grows."""
        role = await scripts.command(self.log.redis, "ROLE")
        if role[0] == b"slave":
            raise Unavailable("this Redis has become a replica")

    async def _recover(self) -> None:
        """Ask until Redis answers, tell the readers when it does not at once, and bring them level when it does."""
        pause = 0.05
        while True:
            try:
                async with asyncio.timeout(PROBE):
                    await self._check_role()
                    heads = {feed: await self.log.head(feed) or BIRTH for feed in list(self.channels)}
            except (Unavailable, TimeoutError, OSError):
                for channel in self.channels.values():
                    channel.stale()
                self.counters.tails_stale = len(self.channels)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # spreads the workers, keeps no secret
                pause = min(pause * 2, 0.5)
                continue
            break
        self.counters.tails_stale = 0
        for feed, channel in list(self.channels.items()):
            if feed not in heads:
                continue
            if channel.stale_since is None:
                channel.restart(heads[feed])
            else:
                channel.fresh(heads[feed])
