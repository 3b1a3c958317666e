"""The tail: follows the logs of all feeds that have readers in this worker.

The feeds are dealt to a few listeners. With one for all, each event made Redis and the worker go through all feeds, because a
blocking read names every stream anew: beside 1,000 feeds that cost more than the event.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

import structlog

from livefeed.channel import Channel
from livefeed.counters import Counters
from livefeed.exceptions import Unavailable
from livefeed.log.cancelling import cancelled
from livefeed.log.doorbell import Doorbell
from livefeed.log.eventlog import EventLog
from livefeed.log.listener import Listener, check_role

__all__ = ["LISTENERS", "Tail"]

LISTENERS = 16
"""Each has a connection to Redis while it has feeds."""

SHARE = 64
"""Feeds of one listener before the next one gets any: with so many, each event costs 0.1 ms more than with one."""

PROBE = 0.8
"""Timeout in seconds of the first commands after a connection was lost. Bell, command and probe must all fail within 5 s."""

_log = structlog.get_logger("livefeed.tail")


class Tail:
    """Follows the logs of channels, at *bells*."""

    def __init__(self, log: EventLog, bells: Sequence[Doorbell], counters: Counters) -> None:
        self.log = log
        self.counters = counters
        self._listeners = [Listener(log, bell, counters) for bell in bells]
        self._at: dict[Channel, Listener] = {}

    @property
    def progress(self) -> float:
        """Until when all logs have been read (monotonic), for readiness."""
        return min((listener.progress for listener in self._listeners if len(listener)), default=time.monotonic())

    def follow(self, channel: Channel) -> None:
        """Hear the log of *channel* from now on."""
        listener = next((each for each in self._listeners if len(each) < SHARE), None) or min(self._listeners, key=len)
        self._at[channel] = listener
        listener.add(channel)

    def leave(self, channel: Channel) -> None:
        self._at.pop(channel).remove(channel)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._listen()
            except Unavailable as exc:
                _log.warning("the event logs cannot be read", reason=str(exc))
            except Exception:  # noqa: BLE001  # a supervised loop: it is restarted, and the restarts are counted
                _log.exception("following the event logs failed")
            self.counters.tail_restarts += 1
            await self._recover()

    async def _listen(self) -> None:
        """Let all listen until one fails. What failed it is seldom its own, and all begin anew together."""
        listening = [asyncio.create_task(listener.listen()) for listener in self._listeners]
        try:
            await asyncio.gather(*listening)
        finally:
            await cancelled(listening)

    async def _recover(self) -> None:
        """Poll until Redis replies. If it does not at once, readers are told `stale`; when it does, they catch up."""
        pause = 0.05
        while True:
            channels = list(self._at)
            try:
                async with asyncio.timeout(PROBE):
                    await check_role(self.log.redis)
                    # At once: one after the other, the heads of some thousand feeds would never be there in time.
                    heads = dict(zip(channels, await self.log.heads([channel.feed for channel in channels]), strict=True))
            except (Unavailable, TimeoutError, OSError):
                for channel in self._at:
                    channel.stale()
                self.counters.tails_stale = len(self._at)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # spreads the workers, keeps no secret
                pause = min(pause * 2, 0.5)
                continue
            break
        self.counters.tails_stale = 0
        for channel in list(self._at):
            head = heads.get(channel)
            if head is None:
                # It is new, or its key is not a stream: the next read decides.
                continue
            if channel.stale_since is None:
                channel.restart(head)
            else:
                channel.fresh(head)
