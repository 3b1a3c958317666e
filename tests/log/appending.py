"""Changes as the editor appends them, and the numbers of the events that a reader gets."""

from __future__ import annotations

import itertools

from redis.asyncio import Redis

from livefeed.cursors import Cursor
from livefeed.events import EventType
from livefeed.feeds import FeedSettings, Retention
from livefeed.holes import Page
from livefeed.log.catalog import Catalog
from livefeed.log.changes import Appended, Change
from livefeed.log.eventlog import EventLog

__all__ = ["FEED", "append", "canceled", "keep", "published", "read"]

FEED = "world"

_numbers = itertools.count(1)


def published(
    name: str = "", *, tags: tuple[str, ...] = (), urgency: int = 5, digest: str = "", update: bool = False, key: str = ""
) -> Change:
    name = name or f"n{next(_numbers)}"
    return Change(
        item_id=name,
        uri=f"urn:test:{name}",
        data=b'{"headline":"%s"}' % name.encode(),
        expects=0,
        version=1,
        state="usable",
        created=1_000,
        type=EventType.PUBLISHED,
        tags=tags,
        urgency=urgency,
        digest=digest or name,
        update=update,
        key=key,
    )


def canceled(name: str, expects: int = 1) -> Change:
    return Change(
        item_id=name,
        uri=f"urn:test:{name}",
        data=b'{"pubStatus":"canceled"}',
        expects=expects,
        version=expects + 1,
        state="canceled",
        created=1_000,
        type=EventType.CANCELED,
        erase="cancel",
    )


async def append(log: EventLog, change: Change) -> Cursor:
    outcome = await log.append(FEED, change)
    assert isinstance(outcome, Appended)
    assert outcome.cursor is not None
    return outcome.cursor


async def read(log: EventLog, after: Cursor) -> list[int]:
    page = await log.read(FEED, after)
    assert isinstance(page, Page)
    return [event.cursor.seq for event in page.events]


async def keep(redis: Redis, **retention: int) -> None:
    await Catalog(redis).put(FEED, FeedSettings(retention=Retention(**retention)))
