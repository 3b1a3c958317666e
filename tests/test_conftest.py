"""The fixtures that every other test leans on."""

from __future__ import annotations

from redis.asyncio import Redis

from tests.stores import Store


async def test_redis_is_empty_at_the_beginning(redis: Redis) -> None:
    assert await redis.dbsize() == 0
    await redis.set("left", b"over")


async def test_redis_is_empty_again(redis: Redis) -> None:
    assert await redis.dbsize() == 0


async def test_streams_have_one_shape(redis: Redis) -> None:
    """`{name: [(id, fields)]}` and `{}` when nothing came."""
    await redis.xadd("log", {"k": "v"}, id="1-1")
    assert await redis.xread({"log": "0"}) == {b"log": [(b"1-1", {b"k": b"v"})]}
    assert await redis.xread({"log": "1-1"}) == {}


def test_store_keeps_its_data_when_killed(store: Store) -> None:
    from redis import Redis as Client

    store.start()
    with Client.from_url(store.url) as client:
        client.set("kept", "1")
        store.kill()
        store.start()
        assert client.get("kept") == b"1"
