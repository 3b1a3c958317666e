"""A worker without readers is as able to serve as any other."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from livefeed.counters import Counters
from livefeed.log.cancelling import cancelled
from livefeed.log.connect import connect, inspect
from livefeed.log.doorbell import BLOCK, doorbell
from livefeed.log.eventlog import EventLog
from livefeed.log.tail import Tail
from tests.waiting import until


async def test_a_tail_that_nobody_needs_goes_on_making_progress(redis: Redis, redis_url: str) -> None:
    client = connect(redis_url, timeout=BLOCK / 1000 + 1, connections=2)
    tail = Tail(EventLog(redis, await inspect(redis, redis_url)), doorbell(client, redis), {}, Counters())
    running = asyncio.create_task(tail.run())
    begun = tail.progress
    await until(lambda: tail.progress > begun + BLOCK / 1000)
    await cancelled([running])
    await client.aclose()
