from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from livefeed.log.headcount import KEY, Headcount
from tests.waiting import until


async def test_workers_add_up(redis: Redis) -> None:
    first = Headcount(redis, lambda: {"world": 2})
    second = Headcount(redis, lambda: {"world": 3, "sport": 1})
    await first.beat()
    await second.beat()
    await first.beat()
    assert (first.of("world"), second.of("world")) == (5, 5)
    assert (first.of("sport"), second.of("sport")) == (1, 1)
    assert first.of("weather") == 0


async def test_own_readers_are_counted_at_once(redis: Redis) -> None:
    here = {"world": 1}
    headcount = Headcount(redis, lambda: here)
    await headcount.beat()
    here["world"] = 4
    assert headcount.of("world") == 4


async def test_worker_that_stops_is_out_at_once(redis: Redis) -> None:
    first = Headcount(redis, lambda: {"world": 2})
    second = Headcount(redis, lambda: {"world": 3})
    running = asyncio.create_task(second.run())

    async def heard() -> bool:
        await first.beat()
        return first.of("world") == 5

    await until(heard)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await first.beat()
    assert first.of("world") == 2
    assert await redis.hlen(KEY) == 1


async def test_worker_that_died_counts_no_more(redis: Redis) -> None:
    """Its beat stands still."""
    dead, living = Headcount(redis, lambda: {"world": 3}), Headcount(redis, dict)
    await dead.beat()
    await living.beat()
    assert living.of("world") == 3
    worker = next(iter(living._others.values()))
    worker.heard -= 9
    await living.beat()
    assert living.of("world") == 0
    next(iter(living._others.values())).heard -= 60
    await living.beat()
    assert await redis.hlen(KEY) == 1
