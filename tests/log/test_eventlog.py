"""The log against a real Redis: what is appended, and what a position is continued with."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from livefeed.cursors import BIRTH
from livefeed.events import EventType
from livefeed.exceptions import Unavailable
from livefeed.feeds import FeedSettings
from livefeed.holes import Hole, NoFeed, Page
from livefeed.log.catalog import Catalog
from livefeed.log.changes import Appended, Change, Closed, Exists, Missing, Raced, Repeated
from livefeed.log.connect import connect, inspect
from livefeed.log.durability import Durability
from livefeed.log.eventlog import EventLog
from livefeed.log.keys import Keys
from tests.log.appending import FEED, append, canceled, keep, published, read
from tests.stores import Store


async def test_numbers_are_dense_and_ids_rise(log: EventLog) -> None:
    cursors = [await append(log, published()) for _ in range(5)]

    assert [cursor.seq for cursor in cursors] == [1, 2, 3, 4, 5]
    assert cursors == sorted(cursors)
    assert await read(log, BIRTH) == [1, 2, 3, 4, 5]
    assert await read(log, cursors[2]) == [4, 5]
    assert await read(log, cursors[4]) == []


async def test_the_heads_of_many_feeds_are_told_together(log: EventLog) -> None:
    last = [await append(log, published()) for _ in range(2)][-1]
    await log.redis.set(Keys("taken").feed, "no hash")

    assert await log.heads([FEED, "taken", "unknown", FEED]) == [last, None, BIRTH, last]
    assert await log.heads([]) == []


async def test_heads_that_may_not_be_read_are_not_taken_for_none(log: EventLog, redis_url: str) -> None:
    await log.redis.execute_command("ACL", "SETUSER", "blind", "on", "nopass", "allkeys", "+@all", "-hmget")  # type: ignore[no-untyped-call]
    async with connect(redis_url) as redis:
        await redis.execute_command("AUTH", "blind", "x")  # type: ignore[no-untyped-call]
        with pytest.raises(Unavailable, match="permissions"):
            await EventLog(redis, log.backend).heads([FEED])
    await log.redis.execute_command("ACL", "DELUSER", "blind")  # type: ignore[no-untyped-call]


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


async def test_since(log: EventLog, redis: Redis) -> None:
    cursors = [await append(log, published()) for _ in range(3)]

    assert await log.since(FEED, 0) == BIRTH
    assert await log.since(FEED, cursors[2].ms + 1) == cursors[2]

    await keep(redis, events=1)
    assert await log.since(FEED, 0) == Hole("trimmed")


async def test_a_call_that_is_given_up_before_it_is_sent_holds_up_no_other(log: EventLog) -> None:
    """A client may hang up in the very turn of the loop in which its change would be sent with those of others."""
    calls = [log.append(FEED, published(), Durability.REPLICA) for _ in range(2)]
    leading, joining = (asyncio.create_task(call) for call in calls)
    await asyncio.sleep(0)
    assert log.appending
    leading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leading
    with pytest.raises(Unavailable, match="safe to repeat"):
        await joining

    async with asyncio.timeout(5):
        assert (await append(log, published())).seq == 1
