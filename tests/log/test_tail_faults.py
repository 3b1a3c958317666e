"""One feed's fault, or one feed's noise, is its own: the others are heard as before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from structlog.testing import capture_logs

from livefeed.channel import Channel
from livefeed.counters import Counters
from livefeed.cursors import BIRTH
from livefeed.eventstream import SSE
from livefeed.feeds import FeedSettings
from livefeed.items import ItemInput
from livefeed.log.catalog import Catalog
from livefeed.log.connect import connect, inspect
from livefeed.log.doorbell import BLOCK, doorbell
from livefeed.log.editor import Editor
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from livefeed.log.keys import Keys
from livefeed.log.tail import Tail
from livefeed.reader import FromNow, Reader, Send
from livefeed.terms import Terms
from livefeed.wires import Wire
from tests.stores import running_store
from tests.waiting import until


class Sink:
    wire: Wire = SSE
    writable = True

    def __init__(self) -> None:
        self.text = b""

    @property
    def send(self) -> Send:
        return self.write

    def write(self, data: bytes | memoryview, /) -> None:
        self.text += data

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:
        self.text += farewell


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
    ringing = doorbell(bell, redis)
    tail = asyncio.create_task(Tail(log, ringing, channels, Counters()).run())
    try:
        yield Editor(log, ItemStore(redis), catalog), sinks
    finally:
        tail.cancel()
        await asyncio.gather(tail, return_exceptions=True)
        await ringing.aclose()
        await bell.aclose()


async def test_a_silent_feed_is_looked_at_while_another_rings_all_the_time(redis: Redis, redis_url: str) -> None:
    async with followed(redis, redis_url, "busy", "quiet") as (editor, sinks):
        await editor.catalog.delete("quiet")

        async def told() -> bool:
            await editor.publish("busy", ItemInput(headline="again"))
            return b"event: goodbye" in sinks["quiet"].text

        await until(told)
    assert b"goodbye" not in sinks["busy"].text


async def test_keys_of_one_feed_in_other_hands_silence_no_other(redis: Redis, redis_url: str) -> None:
    async with followed(redis, redis_url, "broken", "whole") as (editor, sinks):
        kept = await redis.dump(Keys("broken").feed)
        assert kept is not None
        await redis.set(Keys("broken").feed, "no hash")
        await until(lambda: b"event: stale" in sinks["broken"].text)
        await editor.publish("whole", ItemInput(headline="heard"))
        await until(lambda: b"heard" in sinks["whole"].text)
        await redis.restore(Keys("broken").feed, 0, kept, replace=True)
        await until(lambda: b"event: fresh" in sinks["broken"].text)
    assert b"stale" not in sinks["whole"].text


async def test_a_feed_that_redis_lost_is_followed_from_its_new_beginning(redis: Redis, redis_url: str) -> None:
    async with followed(redis, redis_url, "world") as (editor, sinks):
        await editor.publish("world", ItemInput(headline="first"))
        await until(lambda: b"first" in sinks["world"].text)
        with capture_logs() as lines:
            await redis.flushall()
            await until(lambda: any(line["event"] == "the feed has disappeared from Redis" for line in lines))


async def test_readers_are_told_of_an_outage_and_of_its_end() -> None:
    with running_store("--appendonly", "yes") as store:
        redis = connect(store.url, timeout=5.0)
        async with followed(redis, store.url, "world") as (editor, sinks):
            store.stop()
            await until(lambda: b"event: stale" in sinks["world"].text)
            await store.start_soon()
            await until(lambda: b"event: fresh" in sinks["world"].text)
            await editor.publish("world", ItemInput(headline="after the outage"))
            await until(lambda: b"after the outage" in sinks["world"].text)
        await redis.aclose()


async def test_a_primary_that_becomes_a_replica_is_not_followed() -> None:
    with running_store() as store:
        redis = connect(store.url, timeout=5.0)
        async with followed(redis, store.url, "world") as (_, sinks):
            await redis.replicaof("127.0.0.1", "1")
            await until(lambda: b"event: stale" in sinks["world"].text)
            await redis.replicaof("NO", "ONE")
            await until(lambda: b"event: fresh" in sinks["world"].text)
        await redis.aclose()
