"""Feeds that are opened, closed, deleted and made again, and what their logs say of it."""

from __future__ import annotations

from redis.asyncio import Redis

from livefeed.cursors import BIRTH
from livefeed.events import EventType
from livefeed.feeds import FeedSettings
from livefeed.holes import Hole, NoFeed, Page
from livefeed.log.catalog import Catalog
from livefeed.log.eventlog import EventLog
from tests.log.appending import FEED, append, published, read


async def test_a_feed_made_again_counts_on(log: EventLog, redis: Redis) -> None:
    catalog = Catalog(redis)
    last = await append(log, published("a"))

    assert await catalog.delete(FEED) == last
    assert await log.read(FEED, last) == NoFeed(deleted=True)
    assert await catalog.names() == []
    await catalog.put(FEED, FeedSettings())

    assert (await append(log, published("a"))).seq == 2
    assert await read(log, last) == [2]
    assert isinstance(await log.read(FEED, BIRTH), Hole)


async def test_opening_and_closing_are_events(log: EventLog, redis: Redis) -> None:
    catalog = Catalog(redis)

    assert (await catalog.put(FEED, FeedSettings(open=False)))[1] is not None
    assert (await catalog.put(FEED, FeedSettings(open=False)))[1] is None
    assert (await catalog.put(FEED, FeedSettings(open=True)))[1] is not None
    page = await log.read(FEED, BIRTH)
    assert isinstance(page, Page)
    assert [event.type for event in page.events] == [EventType.FEED_CLOSED, EventType.FEED_OPENED]
