"""An open feed in a real Redis: its log, and its editor."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from livefeed.feeds import FeedSettings
from livefeed.log.catalog import Catalog
from livefeed.log.connect import inspect
from livefeed.log.editor import Editor
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from tests.log.appending import FEED


@pytest.fixture
async def log(redis: Redis, redis_url: str) -> EventLog:
    await Catalog(redis).put(FEED, FeedSettings())
    return EventLog(redis, await inspect(redis, redis_url))


@pytest.fixture
async def editor(redis: Redis, log: EventLog) -> Editor:
    return Editor(log, ItemStore(redis), Catalog(redis))
