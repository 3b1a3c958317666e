"""The scheduler: lets items go out when their embargo ends.

Each worker runs one. All of them see the same due-list, and the append script lets exactly one of them through for each item; a
worker that dies leaves nothing behind that another would have to find.
"""

from __future__ import annotations

import asyncio
import random
import time

import structlog

from livefeed.exceptions import LivefeedError
from livefeed.log.editor import Editor

__all__ = ["Scheduler"]

PERIOD = 0.4
"""Seconds between two looks: an item that another worker has scheduled for the next moment is less than 1 s late."""

AT_ONCE = 16
"""Items of a feed that one worker is letting out at the same time."""

MARGIN = 2_000
"""ms by which this machine's clock may differ from that of Redis, which decides; inside it Redis is asked."""

log = structlog.get_logger(__name__)


class Scheduler:
    def __init__(self, editor: Editor) -> None:
        self.editor = editor

    async def run(self) -> None:
        """Look at the due-lists of all feeds until cancelled."""
        failing = False
        while True:
            pause = PERIOD
            try:
                pause = await self.round()
                failing = False
            except LivefeedError as error:
                # Once for each outage: at every round it would bury what else is said.
                if not failing:
                    log.warning("the due-list cannot be read", reason=str(error))
                failing = True
            await asyncio.sleep(pause)

    async def round(self) -> float:
        """Let everything go out that is due; the seconds until the next look."""
        times = await self.editor.due_list.next_times(await self.editor.catalog.names())
        now = time.time_ns() // 1_000_000
        for feed, first in times.items():
            if first <= now + MARGIN:
                await self._publish_due(feed)
        later = [first - now for first in times.values() if first > now]
        return min([PERIOD, *(ms / 1000 for ms in later)])

    async def _publish_due(self, feed: str) -> None:
        """A handful at a time, each looked up anew: what other workers have let out meanwhile is not tried in vain."""
        failed: set[str] = set()
        while True:
            due = await self.editor.due_list.peek(feed, AT_ONCE + len(failed))
            item_ids = [item_id for item_id in due.item_ids if item_id not in failed]
            if not item_ids:
                return
            random.shuffle(item_ids)  # workers that begin at different ends seldom get into each other's way
            tried = await asyncio.gather(*(self._try(feed, item_id, due.now) for item_id in item_ids))
            failed.update(item_id for item_id, out in zip(item_ids, tried, strict=True) if not out)

    async def _try(self, feed: str, item_id: str, now: int) -> bool:
        try:
            await self.editor.publish_due(feed, item_id, now)
        except Exception:  # whatever is wrong with one item, the others' time has come too
            log.warning("a scheduled item did not go out", feed=feed, item=item_id, exc_info=True)
            return False
        return True
