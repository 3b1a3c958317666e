"""Many commands on one connection: each gets its own answer, or none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from redis.asyncio import Redis

from livefeed.exceptions import Unavailable
from livefeed.log.connect import connect
from livefeed.log.scripts import WrongTypeError, command

Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def client(redis_url: str, redis: Redis) -> AsyncIterator[Redis]:
    client = connect(redis_url, timeout=0.3)
    yield client
    await client.aclose()


async def test_each_command_gets_its_own_answer(client: Redis) -> None:
    answers = await asyncio.gather(*(command(client, "ECHO", number) for number in range(500)))
    assert answers == [b"%d" % number for number in range(500)]


async def test_commands_share_one_connection(client: Redis) -> None:
    assert len(set(await asyncio.gather(*(command(client, "CLIENT", "ID") for _ in range(20))))) == 1


async def test_an_error_is_the_answer_to_one_command(client: Redis) -> None:
    await command(client, "SET", "text", "x")
    commands = (("ECHO", "1"), ("XLEN", "text"), ("ECHO", "2"))
    answers = await asyncio.gather(*(command(client, *words) for words in commands), return_exceptions=True)
    assert answers[::2] == [b"1", b"2"]
    assert isinstance(answers[1], WrongTypeError)


async def test_the_answer_to_a_cancelled_command_is_no_answer_to_another(client: Redis) -> None:
    await command(client, "PING")
    cancelled, other = (asyncio.create_task(command(client, "ECHO", text)) for text in ("cancelled", "other"))
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await other == b"other"
    assert cancelled.cancelled()


async def test_a_lost_connection_fails_all_that_wait_and_none_later(client: Redis, redis: Redis) -> None:
    number = await command(client, "CLIENT", "ID")
    await redis.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")  # type: ignore[no-untyped-call]
    try:
        waiting = [asyncio.create_task(command(client, "INCR", "count")) for _ in range(10)]
        await asyncio.sleep(0)
        await redis.execute_command("CLIENT", "KILL", "ID", number)  # type: ignore[no-untyped-call]
        failed = await asyncio.gather(*waiting, return_exceptions=True)
    finally:
        await redis.execute_command("CLIENT", "UNPAUSE")  # type: ignore[no-untyped-call]
    assert all(isinstance(exc, Unavailable) for exc in failed), failed
    assert await command(client, "INCR", "other") == 1


async def test_a_command_without_an_answer_fails_in_time_and_the_next_takes_another_connection(
    client: Redis, redis: Redis
) -> None:
    before = await command(client, "CLIENT", "ID")
    await redis.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")  # type: ignore[no-untyped-call]
    try:
        with pytest.raises(Unavailable, match="in time"):
            await command(client, "INCR", "count")
        assert await command(client, "CLIENT", "ID") != before
    finally:
        await redis.execute_command("CLIENT", "UNPAUSE")  # type: ignore[no-untyped-call]


async def test_a_command_is_sent_once(client: Redis, redis: Redis) -> None:
    await redis.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")  # type: ignore[no-untyped-call]
    with pytest.raises(Unavailable):
        await command(client, "INCR", "count")
    await redis.execute_command("CLIENT", "UNPAUSE")  # type: ignore[no-untyped-call]
    assert await command(client, "GET", "count") in (None, b"1")
    assert await command(client, "INCR", "count") <= 2


async def _told(first: bytes) -> Answering:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # HELLO and the two that say who calls.
        await reader.read(4096)
        writer.write(b"%1\r\n$5\r\nproto\r\n:3\r\n")
        await reader.read(4096)
        writer.write(b"+OK\r\n+OK\r\n")
        await reader.read(4096)
        writer.write(first)
        await reader.read()
        writer.close()

    return answer


@pytest.mark.parametrize("first", [b"this is not Redis\r\n", b"+PONG\r\n+PONG\r\n+PONG\r\n"], ids=["foreign", "too many"])
async def test_answers_that_belong_to_no_command_end_the_connection(first: bytes) -> None:
    server = await asyncio.start_server(await _told(first), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    client = connect(f"redis://{host}:{port}")
    try:
        answers = await asyncio.gather(command(client, "PING"), command(client, "PING"), return_exceptions=True)
        assert isinstance(answers[1], Unavailable) == (first[:1] != b"+")
        assert client._line is not None  # type: ignore[attr-defined]
        assert not client._line.usable  # type: ignore[attr-defined]
    finally:
        await client.aclose()
        server.close()
        await server.wait_closed()
