"""A tail, and readers whose connections keep what they are sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from livefeed.channel import Channel
from livefeed.counters import Counters
from livefeed.cursors import BIRTH
from livefeed.eventstream import SSE
from livefeed.feeds import FeedSettings
from livefeed.log.catalog import Catalog
from livefeed.log.connect import connect, inspect
from livefeed.log.doorbell import BLOCK, doorbell
from livefeed.log.editor import Editor
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from livefeed.log.tail import AHEAD, Tail
from livefeed.reader import FromNow, Reader, Send
from livefeed.terms import Terms
from livefeed.wires import Wire

__all__ = ["Sink", "followed"]


class Sink:
    wire: Wire = SSE
    writable = True

    def __init__(self, takes: float = 0.0) -> None:
        self.takes = takes
        """How long a write takes (s), as to thousands of readers."""
        self.writes: list[bytes] = []

    @property
    def text(self) -> bytes:
        return b"".join(self.writes)

    @property
    def send(self) -> Send:
        return self.write

    def write(self, data: bytes | memoryview, /) -> None:
        time.sleep(self.takes)
        self.writes.append(bytes(data))

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:
        self.writes.append(farewell)


@asynccontextmanager
async def followed(redis: Redis, url: str, *feeds: str) -> AsyncIterator[tuple[Editor, dict[str, Sink]]]:
    """Each of *feeds* with one reader, followed by a tail."""
    log = EventLog(redis, await inspect(redis, url))
    catalog = Catalog(redis)
    terms = Terms(version="0", heartbeat=15, now=lambda: 0)
    channels: dict[str, Channel] = {}
    sinks = {feed: Sink() for feed in feeds}
    for feed, sink in sinks.items():
        await catalog.put(feed, FeedSettings())
        channel = channels[feed] = Channel(
            feed, await log.head(feed) or BIRTH, terms=terms, ask=lambda *_: None, counters=Counters()
        )
        channel.join(Reader(channel, sink, FromNow()))
    bell = connect(url, timeout=BLOCK / 1_000 + 1, connections=2)
    ringing = doorbell(bell, redis, most=AHEAD)
    tail = asyncio.create_task(Tail(log, ringing, channels, Counters()).run())
    try:
        yield Editor(log, ItemStore(redis), catalog), sinks
    finally:
        tail.cancel()
        await asyncio.gather(tail, return_exceptions=True)
        await ringing.aclose()
        await bell.aclose()
