"""Retention against a real Redis: what is trimmed away is a hole of just those events."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from livefeed.cursors import BIRTH
from livefeed.holes import Hole, Page
from livefeed.log.catalog import Catalog
from livefeed.log.changes import Appended, Exists, Repeated
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from tests.log.appending import FEED, append, keep, published, read


@pytest.mark.parametrize("kept", [1, 3, 9])
async def test_trimming_by_count_is_told_exactly(log: EventLog, redis: Redis, kept: int) -> None:
    cursors = [BIRTH] + [await append(log, published()) for _ in range(9)]
    await keep(redis, events=kept)
    floor = 9 - kept

    for cursor in cursors:
        found = await log.read(FEED, cursor)
        if cursor.seq < floor:
            assert found == Hole("trimmed", (cursor.seq + 1, floor))
        else:
            assert isinstance(found, Page)
            assert [event.cursor.seq for event in found.events] == list(range(cursor.seq + 1, 10))


async def test_trimming_by_bytes(log: EventLog, redis: Redis) -> None:
    cursors = [await append(log, published(f"item{n}")) for n in range(9)]
    await keep(redis, bytes=3 * len(b'{"headline":"item0"}'))

    assert await read(log, cursors[5]) == [7, 8, 9]
    assert isinstance(await log.read(FEED, cursors[4]), Hole)


async def test_trimming_by_age_leaves_a_quiet_feed_empty_and_its_last_cursor_good(log: EventLog, redis: Redis) -> None:
    cursors = [await append(log, published()) for _ in range(3)]
    await keep(redis, age=0)
    while await redis.xlen(f"livefeed:{{{FEED}}}:log"):
        await Catalog(redis).sweep(FEED)

    assert await read(log, cursors[2]) == []
    assert await log.read(FEED, cursors[1]) == Hole("trimmed", (3, 3))


async def test_items_beyond_what_is_kept_are_dropped_and_their_names_remembered(log: EventLog, redis: Redis) -> None:
    await keep(redis, items=2)
    for name in "abcd":
        await append(log, published(name))
    items = ItemStore(redis)

    listing = await items.newest(FEED, 10)

    assert [row.data for row in listing.rows] == [b'{"headline":"d"}', b'{"headline":"c"}']
    assert isinstance(await log.append(FEED, published("a")), Repeated)
    assert isinstance(await log.append(FEED, published("a", digest="new")), Exists)
    assert isinstance(await log.append(FEED, published("a", digest="new", update=True)), Appended)
