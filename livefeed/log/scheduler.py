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

MARGIN = 2_000
"""ms by which this machine's clock may differ from that of Redis, which decides; inside it Redis is asked."""

log = structlog.get_logger(__name__)


class Scheduler:
    def __init__(self, editor: Editor) -> None:
        self.editor = editor

    async def run(self) -> None:
        """Look at the due-lists of all feeds until cancelled."""
        while True:
            pause = PERIOD
            try:
                pause = await self.round()
            except LivefeedError as error:
                log.warning("the due-list cannot be read", reason=str(error))
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
        item_ids = [*(await self.editor.due_list.peek(feed)).item_ids]
        random.shuffle(item_ids)  # workers that begin at different ends seldom get into each other's way
        for item_id in item_ids:
            try:
                done = await self.editor.publish_due(feed, item_id)
            except Exception:  # whatever is wrong with one item, the others' time has come too
                log.warning("a scheduled item did not go out", feed=feed, item=item_id, exc_info=True)
            else:
                log.debug("a scheduled item went out", feed=feed, item=item_id, cursor=str(done.event))
