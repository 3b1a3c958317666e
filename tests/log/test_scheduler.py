"""Embargoed items: out once, never early, hardly late, whoever dies."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from livefeed.events import EventType, rfc3339
from livefeed.items import Item, parse_item, parse_time
from livefeed.log.editor import Editor
from livefeed.log.scheduler import PERIOD, Scheduler
from tests.log.editing import FEED, events, now
from tests.waiting import until

ITEMS = 100


@pytest.fixture
async def workers(redis_url: str) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    command = [sys.executable, "-m", "tests.log.schedule_worker", redis_url]
    started = [await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE) for _ in range(3)]
    for process in started:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    yield started
    for process in started:
        if process.returncode is None:
            process.kill()
        # To the end of what they say, so that the pipe is closed too.
        await process.communicate()


async def schedule(editor: Editor, at: int, headline: str, **fields: Any) -> Item:
    given = parse_item({"headline": headline, "embargoedUntil": rfc3339(at), **fields}, now=at)
    done = await editor.publish(FEED, given)
    assert isinstance(done.item, Item)
    return done.item


async def test_each_goes_out_once_and_in_time_though_a_worker_dies(
    editor: Editor, redis: Redis, workers: list[asyncio.subprocess.Process]
) -> None:
    start = await now(editor) + 1_500
    times = {}
    for number in range(ITEMS):
        at = start + number * 10
        times[(await schedule(editor, at, f"WORD{number}")).id] = at
        if await now(editor) < start:
            assert b"WORD" not in repr(await redis.xrange(f"livefeed:{{{FEED}}}:log")).encode()
            assert (await editor.items.newest(FEED, 10)).rows == ()

    async def half_are_out() -> bool:
        return len(await events(editor)) >= ITEMS // 2

    async def all_are_out() -> bool:
        return await editor.due_list.next_times([FEED]) == {}

    await until(half_are_out)
    workers[0].kill()
    await until(all_are_out)

    told = await events(editor)
    assert sorted(event.item_id for event in told) == sorted(times)
    assert {event.type for event in told} == {EventType.PUBLISHED}
    assert min(event.cursor.ms - times[event.item_id] for event in told) >= 0
    assert len((await editor.items.newest(FEED, ITEMS + 1)).rows) == ITEMS


async def test_a_round_says_when_to_look_again(editor: Editor) -> None:
    scheduler = Scheduler(editor)
    assert await scheduler.round() == PERIOD
    await schedule(editor, await now(editor) + 100, "soon")
    assert 0 < await scheduler.round() <= 0.1
    await schedule(editor, await now(editor) + 60_000, "later")
    assert await events(editor) == []


async def test_a_restart_finds_what_is_overdue(editor: Editor, redis: Redis) -> None:
    item = await schedule(editor, await now(editor) + 50, "overdue")

    async def overdue() -> bool:
        return await now(editor) > parse_time(item.embargoed_until)

    await until(overdue)
    await Scheduler(editor).round()
    (event,) = await events(editor)
    assert event.item_id == item.id


async def test_one_item_that_cannot_go_out_stops_no_other(editor: Editor, redis: Redis) -> None:
    at = await now(editor) + 50
    bad, good = await schedule(editor, at, "bad"), await schedule(editor, at, "good")
    await redis.hset(f"livefeed:{{{FEED}}}:item:{bad.id}", "data", "{")

    async def good_is_out() -> bool:
        await Scheduler(editor).round()
        return [event.item_id for event in await events(editor)] == [good.id]

    await until(good_is_out)


async def test_the_scheduler_goes_on_when_redis_could_not_answer(editor: Editor, redis: Redis) -> None:
    item = await schedule(editor, await now(editor) + 10, "late")
    await redis.rename("livefeed:feeds", "aside")
    await redis.set("livefeed:feeds", "of another type")
    with capture_logs() as logs:
        running = asyncio.create_task(Scheduler(editor).run())
        await until(lambda: bool(logs))
        await redis.rename("aside", "livefeed:feeds")

        async def is_out() -> bool:
            return [event.item_id for event in await events(editor)] == [item.id]

        await until(is_out)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert logs[0]["event"] == "the due list cannot be read"
