from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from livefeed.counters import Counters
from livefeed.exceptions import Unavailable
from livefeed.grants import Caller
from livefeed.log import audit
from livefeed.log.audit import Audit

EDITOR = Caller("ed", key_id="k1")


async def test_records_come_back_newest_first_and_page_on(redis: Redis) -> None:
    trail = Audit(redis, Counters())
    for number in range(5):
        trail.record("item.published", EDITOR, feed="world", cursor=f"{number}-1")
    first = await trail.read(limit=3)
    rest = await trail.read(before=first[-1].id, limit=3)
    assert [entry.details["cursor"] for entry in [*first, *rest]] == ["4-1", "3-1", "2-1", "1-1", "0-1"]
    assert first[0].action == "item.published"
    assert (first[0].subject, first[0].by) == ("ed", "k1")
    assert first[0].time.endswith("Z")
    assert set(first[0].details) == {"feed", "cursor"}


async def test_each_record_is_in_the_log_at_once(redis: Redis) -> None:
    with capture_logs() as lines:
        Audit(redis, Counters()).record("key.made", EDITOR, key="k2")
    assert lines == [{"event": "audit", "log_level": "info", "action": "key.made", "subject": "ed", "by": "k1", "key": "k2"}]


async def test_the_background_moves_records_to_redis(redis: Redis) -> None:
    trail = Audit(redis, Counters())
    running = asyncio.create_task(trail.run())
    trail.record("item.canceled", EDITOR, feed="world")
    assert await redis.xread({audit.STREAM: "0-0"}, block=5_000)
    running.cancel()


async def test_records_wait_for_a_redis_that_takes_none(redis: Redis) -> None:
    await redis.set(audit.STREAM, "of another type")
    trail = Audit(redis, Counters())
    trail.record("item.canceled", EDITOR, feed="world")
    with pytest.raises(Unavailable):
        await trail.flush()
    await redis.delete(audit.STREAM)
    running = asyncio.create_task(trail.run())
    assert await redis.xread({audit.STREAM: "0-0"}, block=5_000)
    await trail.flush()
    running.cancel()
    assert [entry.action for entry in await trail.read()] == ["item.canceled"]


async def test_what_does_not_fit_is_counted_and_still_logged(redis: Redis) -> None:
    counters = Counters()
    trail = Audit(redis, counters, waiting=1)
    with capture_logs() as lines:
        trail.record("a", EDITOR)
        trail.record("b", EDITOR)
    assert counters.audit_dropped == 1
    assert len(lines) == 2


async def test_what_is_left_at_the_end_is_moved_or_told(redis: Redis) -> None:
    trail = Audit(redis, Counters())
    trail.record("a", EDITOR)
    await trail.close()
    assert await redis.xlen(audit.STREAM) == 1
    await redis.set(audit.STREAM, "of another type")
    trail.record("b", EDITOR)
    with capture_logs() as lines:
        await trail.close()
    assert lines[-1]["left"] == 1
