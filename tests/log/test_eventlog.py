"""The log against a real Redis: what is appended, what a position can be continued from, and what is a hole."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from redis.asyncio import Redis

from livefeed.cursors import BIRTH, Cursor
from livefeed.events import EventType
from livefeed.feeds import FeedSettings, Retention
from livefeed.filters import Filter
from livefeed.holes import Hole, NoFeed, Page
from livefeed.log.catalog import Catalog
from livefeed.log.changes import Appended, Change, Closed, Exists, Missing, Raced, Repeated
from livefeed.log.connect import connect, inspect
from livefeed.log.durability import Durability
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from tests.stores import Store

FEED = "world"


@pytest.fixture
async def log(redis: Redis, redis_url: str) -> EventLog:
    await Catalog(redis).put(FEED, FeedSettings())
    return EventLog(redis, await inspect(redis, redis_url))


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


async def test_numbers_are_dense_and_ids_rise(log: EventLog) -> None:
    cursors = [await append(log, published()) for _ in range(5)]

    assert [cursor.seq for cursor in cursors] == [1, 2, 3, 4, 5]
    assert cursors == sorted(cursors)
    assert await read(log, BIRTH) == [1, 2, 3, 4, 5]
    assert await read(log, cursors[2]) == [4, 5]
    assert await read(log, cursors[4]) == []


async def test_an_event_carries_what_filters_need(log: EventLog) -> None:
    await append(log, published("a", tags=("Élection", "Élection"), urgency=2))

    page = await log.read(FEED, BIRTH)

    assert isinstance(page, Page)
    (event,) = page.events
    assert event.tags == {"élection"}
    assert (event.urgency, event.type, event.subject) == (2, EventType.PUBLISHED, "urn:test:a")
    assert event.data == b'{"headline":"a"}'


async def test_tags_and_urgency_that_an_item_ever_had_stay(log: EventLog) -> None:
    await append(log, published("a", tags=("x",), urgency=1))
    update = Change(
        item_id="a",
        uri="urn:test:a",
        data=b"{}",
        expects=1,
        version=2,
        state="usable",
        created=1_000,
        type=EventType.UPDATED,
        tags=("y",),
        urgency=7,
    )
    await append(log, update)

    page = await log.read(FEED, BIRTH)

    assert isinstance(page, Page)
    assert page.events[1].tags == {"x", "y"}
    assert page.events[1].urgency == 1


async def test_the_same_content_again_is_answered_with_the_first_event(log: EventLog) -> None:
    first = await append(log, published("a"))

    assert await log.append(FEED, published("a")) == Repeated("a", first)
    assert await log.append(FEED, published("a", digest="other")) == Exists("a")
    assert await read(log, BIRTH) == [1]


async def test_an_idempotency_key_is_remembered(log: EventLog) -> None:
    first = await append(log, published("a", key="k", digest="d"))

    assert await log.append(FEED, published("b", key="k", digest="d")) == Repeated("a", first)
    assert await log.append(FEED, published("c", key="k", digest="e")) == Exists("a")


async def test_a_change_from_an_old_version_is_refused(log: EventLog) -> None:
    await append(log, published("a"))

    assert await log.append(FEED, canceled("a", expects=3)) == Raced(1)


async def test_unknown_and_closed_feeds(log: EventLog, redis: Redis) -> None:
    assert await log.append("nowhere", published()) == Missing()
    assert await log.read("nowhere", BIRTH) == NoFeed()

    await Catalog(redis).put(FEED, FeedSettings(open=False))

    assert await log.append(FEED, published()) == Closed()


async def test_a_kill_removes_what_was_said_and_its_cursors_stay_good(log: EventLog, redis: Redis) -> None:
    before = await append(log, published("a"))
    victim = await append(log, published("b"))
    after = await append(log, published("c"))
    await append(log, canceled("b"))

    assert await read(log, before) == [3, 4]
    assert await read(log, victim) == [3, 4]
    assert await read(log, after) == [4]
    page = await log.read(FEED, before)
    assert isinstance(page, Page)
    assert page.removed == (victim,)
    for name in await redis.keys("*"):
        assert b'"b"' not in (await redis.dump(name) or b"")


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


async def test_the_first_append_to_a_restarted_redis_reaches_its_durability(store: Store) -> None:
    store.start()
    async with connect(store.url, timeout=5.0, connections=4) as redis:
        await Catalog(redis).put(FEED, FeedSettings())
        log = EventLog(redis, await inspect(redis, store.url), durability=Durability.AOF)
        await append(log, published("one"))
        await redis.script_flush()
        assert isinstance(await log.append(FEED, canceled("one")), Appended)
        await redis.script_flush()
        outcomes = await asyncio.gather(*(log.append(FEED, published(name)) for name in ("two", "three")))
        assert [outcome.cursor.seq for outcome in outcomes if isinstance(outcome, Appended) and outcome.cursor] == [3, 4]


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


async def test_cursors_of_another_history_are_lost(log: EventLog) -> None:
    cursors = [await append(log, published()) for _ in range(3)]
    last = cursors[2]

    assert await log.read(FEED, Cursor(last.ms, 4)) == Hole("lost")
    assert await log.read(FEED, Cursor(last.ms + 1, 3)) == Hole("lost")
    assert await log.read(FEED, Cursor(cursors[1].ms - 1, 2)) == Hole("lost")


async def test_a_deleted_log_is_a_hole_for_whoever_was_behind_and_for_nobody_else(log: EventLog, redis: Redis) -> None:
    cursors = [await append(log, published()) for _ in range(3)]
    await redis.delete(f"livefeed:{{{FEED}}}:log")

    assert await log.read(FEED, cursors[0]) == Hole("trimmed", (2, 3))
    assert await read(log, cursors[2]) == []

    following = await append(log, published())

    assert following.seq == 4
    assert await read(log, cursors[2]) == [4]
    assert await log.read(FEED, cursors[0]) == Hole("trimmed", (2, 3))


async def test_a_foreign_trim_and_delete(log: EventLog, redis: Redis) -> None:
    cursors = [await append(log, published()) for _ in range(9)]
    await redis.xtrim(f"livefeed:{{{FEED}}}:log", maxlen=6, approximate=False)
    await redis.xdel(f"livefeed:{{{FEED}}}:log", str(cursors[5]))

    assert await read(log, cursors[3]) == [5]
    assert await log.read(FEED, cursors[4]) == Hole("trimmed", (6, 6))
    assert await log.read(FEED, cursors[0]) == Hole("trimmed", (2, 6))
    assert await read(log, cursors[6]) == [8, 9]

    await append(log, published())

    assert await read(log, cursors[6]) == [8, 9, 10]
    assert await log.read(FEED, cursors[4]) == Hole("trimmed", (6, 6))


async def test_foreign_entries_are_ignored_and_moved_away(log: EventLog, redis: Redis) -> None:
    last = await append(log, published())
    name = f"livefeed:{{{FEED}}}:log"
    await redis.xadd(name, {"x": "y"}, id="9999999999999-5")
    await redis.xadd(name, {"t": "nonsense"}, id="9999999999999-6")

    assert await read(log, BIRTH) == [1]

    following = await append(log, published())

    assert following.seq == 2
    assert following.ms < 9_000_000_000_000
    assert await read(log, last) == [2]
    assert await redis.xlen(f"livefeed:{{{FEED}}}:rejected") == 2


async def test_a_refilled_log_with_lower_ids(log: EventLog, redis: Redis) -> None:
    cursors = [await append(log, published()) for _ in range(3)]
    name = f"livefeed:{{{FEED}}}:log"
    await redis.delete(name)
    for seq in (1, 2, 3):
        await redis.xadd(name, {"t": "live.item.published"}, id=f"{seq}-{seq}")

    assert isinstance(await log.read(FEED, cursors[0]), Hole)
    assert await read(log, cursors[2]) == []
    assert (await append(log, published())).seq == 4
    assert await read(log, cursors[2]) == [4]


async def test_a_log_of_another_type_is_displaced(log: EventLog, redis: Redis) -> None:
    cursors = [await append(log, published()) for _ in range(2)]
    await redis.set(f"livefeed:{{{FEED}}}:log", "x")

    assert await log.read(FEED, cursors[0]) == Hole("trimmed", (2, 2))
    assert await read(log, cursors[1]) == []
    assert (await append(log, published())).seq == 3
    assert await read(log, cursors[1]) == [3]


async def test_everything_flushed(log: EventLog, redis: Redis) -> None:
    cursor = await append(log, published())
    await redis.flushall()

    assert await log.read(FEED, cursor) == NoFeed()


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


async def test_since(log: EventLog, redis: Redis) -> None:
    cursors = [await append(log, published()) for _ in range(3)]

    assert await log.since(FEED, 0) == BIRTH
    assert await log.since(FEED, cursors[2].ms + 1) == cursors[2]

    await keep(redis, events=1)
    assert await log.since(FEED, 0) == Hole("trimmed")


async def test_lists_are_newest_first_and_walk_without_ties(log: EventLog, redis: Redis) -> None:
    for number in range(7):
        await append(log, published(f"i{number}", tags=("even",) if number % 2 == 0 else ("odd", "x"), urgency=number + 1))
    items = ItemStore(redis)

    walked: list[bytes] = []
    before = ""
    while True:
        listing = await items.newest(FEED, 2, before=before)
        walked += [row.data for row in listing.rows]
        before = listing.next
        if not before:
            break

    assert walked == [b'{"headline":"i%d"}' % number for number in reversed(range(7))]
    tagged = await items.newest(FEED, 10, only=Filter(frozenset({"odd", "x"})))
    assert [row.data for row in tagged.rows] == [b'{"headline":"i%d"}' % number for number in (5, 3, 1)]
    urgent = await items.newest(FEED, 10, only=Filter(urgency=2))
    assert [row.data for row in urgent.rows] == [b'{"headline":"i1"}', b'{"headline":"i0"}']


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
