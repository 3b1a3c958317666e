"""One feed's fault, or one feed's noise, is its own: the others are heard as before."""

from __future__ import annotations

from redis.asyncio import Redis
from structlog.testing import capture_logs

from livefeed.items import ItemInput
from livefeed.log.connect import connect
from livefeed.log.keys import Keys
from tests.log.tailing import followed
from tests.stores import running_store
from tests.waiting import until


async def test_a_silent_feed_is_looked_at_while_another_rings_all_the_time(redis: Redis, redis_url: str) -> None:
    async with followed(redis, redis_url, "busy", "quiet") as (editor, sinks):
        await editor.catalog.delete("quiet")

        async def told() -> bool:
            await editor.publish("busy", ItemInput(headline="again"))
            return b"event: goodbye" in sinks["quiet"].text

        await until(told)
    assert b"goodbye" not in sinks["busy"].text


async def test_keys_of_one_feed_in_other_hands_silence_no_other(redis: Redis, redis_url: str) -> None:
    async with followed(redis, redis_url, "broken", "whole") as (editor, sinks):
        kept = await redis.dump(Keys("broken").feed)
        assert kept is not None
        await redis.set(Keys("broken").feed, "no hash")
        await until(lambda: b"event: stale" in sinks["broken"].text)
        await editor.publish("whole", ItemInput(headline="heard"))
        await until(lambda: b"heard" in sinks["whole"].text)
        await redis.restore(Keys("broken").feed, 0, kept, replace=True)
        await until(lambda: b"event: fresh" in sinks["broken"].text)
    assert b"stale" not in sinks["whole"].text


async def test_a_feed_that_redis_lost_is_followed_from_its_new_beginning(redis: Redis, redis_url: str) -> None:
    async with followed(redis, redis_url, "world") as (editor, sinks):
        await editor.publish("world", ItemInput(headline="first"))
        await until(lambda: b"first" in sinks["world"].text)
        with capture_logs() as lines:
            await redis.flushall()
            await until(lambda: any(line["event"] == "the feed has disappeared from Redis" for line in lines))


async def test_readers_are_told_of_an_outage_and_of_its_end() -> None:
    with running_store("--appendonly", "yes") as store:
        redis = connect(store.url, timeout=5.0)
        async with followed(redis, store.url, "world") as (editor, sinks):
            store.stop()
            await until(lambda: b"event: stale" in sinks["world"].text)
            await store.start_soon()
            await until(lambda: b"event: fresh" in sinks["world"].text)
            await editor.publish("world", ItemInput(headline="after the outage"))
            await until(lambda: b"after the outage" in sinks["world"].text)
        await redis.aclose()


async def test_a_primary_that_becomes_a_replica_is_not_followed() -> None:
    with running_store() as store:
        redis = connect(store.url, timeout=5.0)
        async with followed(redis, store.url, "world") as (_, sinks):
            await redis.replicaof("127.0.0.1", "1")
            await until(lambda: b"event: stale" in sinks["world"].text)
            await redis.replicaof("NO", "ONE")
            await until(lambda: b"event: fresh" in sinks["world"].text)
        await redis.aclose()
