"""Commands and scripts: every way in which Redis fails becomes an `Unavailable` that says what happened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, MaxConnectionsError, RedisError, ResponseError

from livefeed.exceptions import Unavailable
from livefeed.log.connect import connect
from livefeed.log.scripts import Script, WrongTypeError, command, commands, unavailable
from tests.stores import Store, running_store

WRITES = Script("#!lua\nreturn redis.call('SET', KEYS[1], ARGV[1])")


@pytest.fixture
def store() -> Iterator[Store]:
    with running_store() as store:
        yield store


async def test_a_script_that_redis_has_forgotten_is_sent_again(redis: Redis) -> None:
    await WRITES(redis, ["k"], ["1"])
    await redis.script_flush()

    await WRITES(redis, ["k"], ["2"])

    assert await redis.get("k") == b"2"


async def test_a_key_of_another_type_is_named(redis: Redis) -> None:
    await redis.set("k", "a string")

    with pytest.raises(WrongTypeError, match="the key 'k' is in use for something else"):
        await command(redis, "XLEN", "k")
    script = Script("#!lua\nreturn redis.call('XLEN', KEYS[1])")
    for _ in ("sent whole", "by its digest"):
        with pytest.raises(WrongTypeError, match="a key of this feed is in use for something else"):
            await script(redis, ["k"], [])


async def test_an_error_among_the_answers_to_many_commands_is_in_its_place(redis: Redis) -> None:
    await redis.set("k", "a string")

    first, error, last = await commands(redis, [("ECHO", "1"), ("XLEN", "k"), ("ECHO", "2")])

    assert (first, last) == (b"1", b"2")
    assert isinstance(error, ResponseError)
    assert await commands(redis, []) == []


async def test_many_commands_that_are_not_answered_fail_as_one(store: Store) -> None:
    async with connect(store.url) as redis:
        await redis.ping()
        store.kill()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await commands(redis, [("PING",), ("PING",)])


async def test_an_unexpected_error_is_quoted(redis: Redis) -> None:
    with pytest.raises(Unavailable, match="Redis refused: unknown command 'NONSENSE'"):
        await command(redis, "NONSENSE")


async def test_a_full_redis_stores_nothing(store: Store) -> None:
    async with connect(store.url) as redis:
        await redis.config_set("maxmemory", "1")
        with pytest.raises(Unavailable, match="out of memory") as raised:
            await WRITES(redis, ["k"], ["1"])
        await redis.config_set("maxmemory", "0")
        assert await redis.get("k") is None
    assert raised.value.retry_after == 5


async def test_a_replica_accepts_no_writes(store: Store) -> None:
    async with connect(store.url) as redis:
        await redis.replicaof("127.0.0.1", "1")
        with pytest.raises(Unavailable, match="currently a replica"):
            await WRITES(redis, ["k"], ["1"])


async def test_a_redis_that_hangs_times_out(store: Store) -> None:
    async with connect(store.url, timeout=0.5) as redis:
        await command(redis, "PING")
        store.freeze()
        with pytest.raises(Unavailable, match="did not answer in time"):
            await command(redis, "PING")
        store.thaw()


async def test_a_redis_that_is_gone_cannot_be_reached(store: Store) -> None:
    async with connect(store.url) as redis:
        store.kill()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await command(redis, "PING")


@pytest.mark.parametrize(
    ("error", "reason"),
    [(BusyLoadingError(), "still loading its data"), (MaxConnectionsError(), "all connections to Redis are in use")],
)
def test_other_refusals(error: RedisError, reason: str) -> None:
    assert reason in str(unavailable(error))
