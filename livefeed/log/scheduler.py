"""The scheduler: publishes items when their embargo ends.

Each worker runs one. All of them see the same due list, and the append script lets exactly one of them succeed for each item. A
dead worker leaves no state behind.
"""

from __future__ import annotations

import asyncio
import random
import time

import structlog

from livefeed.exceptions import LivefeedError
from livefeed.log.editor import Editor
from livefeed.ticks import pause

__all__ = ["Scheduler"]

PERIOD = 0.5
"""Seconds between two checks, so that an item that another worker scheduled is less than 1 s late."""

AT_ONCE = 16
"""Items of one feed that a worker publishes concurrently."""

MARGIN = 2_000
"""ms by which this machine's clock may differ from Redis' clock. Closer to an item's time, Redis is asked."""

_log = structlog.get_logger("livefeed.scheduler")


class Scheduler:
    def __init__(self, editor: Editor) -> None:
        self.editor = editor

    async def run(self) -> None:
        """Check the due lists of all feeds until cancelled."""
        failing = False
        while True:
            wait = PERIOD
            try:
                wait = await self.round()
                failing = False
            except LivefeedError as error:
                # Once per outage, to keep the log readable.
                if not failing:
                    _log.warning("the due list cannot be read", reason=str(error))
                failing = True
            # For an item of its own it wakes on time, for those of other workers with everything else.
            await (asyncio.sleep(wait) if wait < PERIOD else pause(PERIOD))

    async def round(self) -> float:
        """Publish everything that is due. Returns the seconds until the next check."""
        times = await self.editor.due_list.next_times(await self.editor.catalog.names())
        now = time.time_ns() // 1_000_000
        for feed, first in times.items():
            if first <= now + MARGIN:
                await self._publish_due(feed)
        later = [first - now for first in times.values() if first > now]
        return min([PERIOD, *(ms / 1000 for ms in later)])

    async def _publish_due(self, feed: str) -> None:
        """A few items at a time, read anew each time, so that items published by other workers are not tried in vain."""
        failed: set[str] = set()
        while True:
            due = await self.editor.due_list.peek(feed, AT_ONCE + len(failed))
            item_ids = [item_id for item_id in due.item_ids if item_id not in failed]
            if not item_ids:
                return
            random.shuffle(item_ids)  # workers that start at different items seldom collide
            tried = await asyncio.gather(*(self._try(feed, item_id, due.now) for item_id in item_ids))
            failed.update(item_id for item_id, out in zip(item_ids, tried, strict=True) if not out)

    async def _try(self, feed: str, item_id: str, now: int) -> bool:
        try:
            await self.editor.publish_due(feed, item_id, now)
        except Exception:  # noqa: BLE001  # a fault of one item must not delay the others
            _log.warning("a scheduled item was not published", feed=feed, item=item_id, exc_info=True)
            return False
        return True
