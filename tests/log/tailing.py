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
from livefeed.log.listener import AHEAD
from livefeed.log.tail import Tail
from livefeed.reader import FromNow, Reader, Send
from livefeed.terms import Terms
from livefeed.wires import Wire

__all__ = ["Sink", "followed", "read", "tailing"]


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
async def tailing(redis: Redis, url: str, *, bells: int = 1) -> AsyncIterator[Tail]:
    """A tail that follows nothing yet."""
    log = EventLog(redis, await inspect(redis, url))
    client = connect(url, timeout=BLOCK / 1_000 + 1, connections=2)
    ringing = [doorbell(client, redis, most=AHEAD) for _ in range(bells)]
    tail = Tail(log, ringing, Counters())
    running = asyncio.create_task(tail.run())
    try:
        yield tail
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        for bell in ringing:
            await bell.aclose()
        await client.aclose()


async def read(tail: Tail, feed: str, sink: Sink) -> Channel:
    """Let *tail* follow a new *feed*, with one reader, who writes to *sink*."""
    await Catalog(tail.log.redis).put(feed, FeedSettings())
    terms = Terms(version="0", heartbeat=15, now=lambda: 0)
    head = await tail.log.head(feed) or BIRTH
    channel = Channel(feed, head, terms=terms, ask=lambda *_: None, counters=Counters())
    channel.join(Reader(channel, sink, FromNow()))
    tail.follow(channel)
    return channel


@asynccontextmanager
async def followed(redis: Redis, url: str, *feeds: str) -> AsyncIterator[tuple[Editor, dict[str, Sink]]]:
    """Each of *feeds* with one reader, followed by a tail."""
    async with tailing(redis, url) as tail:
        sinks = {feed: Sink() for feed in feeds}
        for feed, sink in sinks.items():
            await read(tail, feed, sink)
        yield Editor(tail.log, ItemStore(redis), Catalog(redis)), sinks
