"""What is published at the same time reaches the readers in one pass over them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from livefeed.items import ItemInput
from livefeed.log.editor import Editor
from tests.log.tailing import Sink, followed
from tests.waiting import until

ITEMS = 10


def passes(sink: Sink) -> list[int]:
    """The number of items in each write."""
    return [items for write in sink.writes if (items := write.count(b"live.item.published"))]


@asynccontextmanager
async def listening(redis: Redis, url: str) -> AsyncIterator[tuple[Editor, Sink]]:
    """A tail that waits at its bell, and what it has written since."""
    async with followed(redis, url, "world") as (editor, sinks):
        sink = sinks["world"]
        await editor.publish("world", ItemInput(headline="the first look at a feed reads its log"))
        await until(lambda: passes(sink) == [1])
        sink.writes.clear()
        yield editor, sink


async def test_appends_under_way_are_heard_together(redis: Redis, redis_url: str) -> None:
    async with listening(redis, redis_url) as (editor, sink):
        await asyncio.gather(*(editor.publish("world", ItemInput(headline=f"item {n}")) for n in range(ITEMS)))
        await until(lambda: sum(passes(sink)) == ITEMS)
    assert passes(sink) == [ITEMS]


async def test_items_published_during_a_long_pass_do_not_each_wait_for_one_of_their_own(redis: Redis, redis_url: str) -> None:
    async with listening(redis, redis_url) as (editor, sink):
        sink.takes = 0.2
        for n in range(ITEMS):
            await editor.publish("world", ItemInput(headline=f"item {n}"))
        await until(lambda: sum(passes(sink)) == ITEMS)
    assert len(passes(sink)) < ITEMS / 2
