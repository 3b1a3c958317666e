"""The sweeper against a real Redis: it applies retention, and neither a damaged feed nor an outage stops it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from structlog.testing import capture_logs

from livefeed.counters import Counters
from livefeed.feeds import FeedSettings, Retention
from livefeed.items import ItemInput
from livefeed.log.cancelling import cancelled
from livefeed.log.catalog import Catalog
from livefeed.log.connect import connect, inspect
from livefeed.log.editor import Editor
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from livefeed.log.keys import Keys
from livefeed.log.sweeper import Sweeper
from tests.stores import running_store
from tests.waiting import until


async def crowded_feed(redis: Redis, url: str, name: str) -> Catalog:
    """The catalog, with a feed of three items that is to keep one from now on."""
    catalog = Catalog(redis)
    await catalog.put(name, FeedSettings())
    editor = Editor(EventLog(redis, await inspect(redis, url)), ItemStore(redis), catalog)
    for number in range(3):
        await editor.publish(name, ItemInput(headline=f"item {number}"))
    await catalog.put(name, FeedSettings(retention=Retention(items=1)))
    return catalog


@asynccontextmanager
async def sweeping(catalog: Catalog, counters: Counters) -> AsyncIterator[None]:
    task = asyncio.create_task(Sweeper(catalog, counters, interval=0.01).run())
    try:
        yield
    finally:
        await cancelled([task])


async def is_swept(redis: Redis, name: str) -> bool:
    return len(await redis.keys(Keys(name).item("*"))) == 1


async def test_items_beyond_the_retention_are_removed(redis: Redis, redis_url: str) -> None:
    catalog = await crowded_feed(redis, redis_url, "world")

    async with sweeping(catalog, Counters()):
        await until(lambda: is_swept(redis, "world"))


async def test_foreign_entries_are_removed_and_counted(redis: Redis) -> None:
    catalog, counters = Catalog(redis), Counters()
    await catalog.put("world", FeedSettings())
    await redis.xadd(Keys("world").log, {"mine": "x"})

    async with sweeping(catalog, counters):
        await until(lambda: counters.foreign_entries == 1)

    assert await redis.xlen(Keys("world").log) == 0


async def test_a_damaged_feed_is_logged_and_the_others_are_swept(redis: Redis, redis_url: str) -> None:
    catalog = await crowded_feed(redis, redis_url, "zoo")
    await catalog.put("broken", FeedSettings())
    await redis.set(Keys("broken").items, "not a sorted set")

    with capture_logs() as lines:
        async with sweeping(catalog, Counters()):
            await until(lambda: is_swept(redis, "zoo"))

    assert ("a feed cannot be swept", "broken") in {(line["event"], line.get("feed")) for line in lines}


async def test_sweeping_continues_after_an_outage() -> None:
    with running_store("--appendonly", "yes") as store:
        redis = connect(store.url)
        catalog = await crowded_feed(redis, store.url, "world")
        store.stop()
        with capture_logs() as lines:
            async with sweeping(catalog, Counters()):
                await until(lambda: any(line["event"] == "sweeping was postponed" for line in lines))
                await store.start_soon()
                await until(lambda: is_swept(redis, "world"))
        await redis.aclose()
