"""A worker without readers is as able to serve as any other."""

from __future__ import annotations

from redis.asyncio import Redis

from livefeed.log.doorbell import BLOCK
from tests.log.tailing import tailing
from tests.waiting import until


async def test_a_tail_that_nobody_needs_goes_on_making_progress(redis: Redis, redis_url: str) -> None:
    async with tailing(redis, redis_url) as tail:
        begun = tail.progress
        await until(lambda: tail.progress > begun + BLOCK / 1000)
