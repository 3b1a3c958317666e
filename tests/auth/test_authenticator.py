from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from livefeed.exceptions import Unauthorized, Unavailable
from livefeed.grants import Caller, parse_grants
from tests.auth.door import ADMIN_KEY, Clock, Door
from tests.auth.test_tokens import GOOD, forge

GRANTS = parse_grants({"read": ["*"]})
ADMIN = Caller("admin", parse_grants({"admin": True}), key_id="admin")


class Ended:
    """A live connection's end of `watch`."""

    def __init__(self) -> None:
        self.reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def __call__(self, reason: str) -> None:
        self.reason.set_result(reason)


async def test_a_live_connection_ends_when_its_token_expires(door: Door) -> None:
    caller = await door.authenticator.identify(forge({"alg": "HS256"}, GOOD))
    ended = Ended()
    door.authenticator.watch(caller, ended)
    running = asyncio.create_task(door.authenticator.run())
    door.clock.now += 600
    assert await asyncio.wait_for(ended.reason, 30) == "expired"
    running.cancel()


async def test_a_live_connection_ends_when_its_key_is_revoked_elsewhere(redis: Redis) -> None:
    door, elsewhere = Door(redis, refresh=0.01), Door(redis)
    key, text = await elsewhere.keys.make("wire", GRANTS, by=ADMIN)
    ended, stays = Ended(), Ended()
    door.authenticator.watch(await door.authenticator.identify(text), ended)
    door.authenticator.watch(await door.authenticator.identify(ADMIN_KEY), stays)
    running = asyncio.create_task(door.authenticator.run())
    await elsewhere.keys.revoke(key.id)
    assert await asyncio.wait_for(ended.reason, 30) == "revoked"
    assert not stays.reason.done()
    running.cancel()


async def test_a_live_connection_ends_when_its_session_does(door: Door) -> None:
    caller = await door.authenticator.identify(ADMIN_KEY)
    text, _ = await door.authenticator.sessions.make(caller)
    in_session = await door.authenticator.identify_session(text)
    assert in_session is not None
    ended = Ended()
    door.authenticator.watch(in_session, ended)
    await door.authenticator.refresh()
    assert not ended.reason.done()
    await door.authenticator.sessions.end(text)
    await door.authenticator.refresh()
    assert await ended.reason == "revoked"


async def test_a_live_connection_ends_when_its_token_is_revoked(door: Door) -> None:
    token = forge({"alg": "HS256"}, GOOD)
    caller = await door.authenticator.identify(token)
    ended = Ended()
    door.authenticator.watch(caller, ended)
    await Door(door.redis).keys.deny(caller.key_id, door.clock() + 600)
    await door.authenticator.refresh()
    assert await ended.reason == "revoked"
    with pytest.raises(Unauthorized, match="revoked"):
        await door.authenticator.identify(token)


async def test_a_connection_that_renewed_lives_on(door: Door) -> None:
    """What a WebSocket does on its `token` command."""
    clock = door.clock
    first = await door.authenticator.identify(forge({"alg": "HS256"}, GOOD))
    ended = Ended()
    leave = door.authenticator.watch(first, ended)
    renewed = await door.authenticator.identify(forge({"alg": "HS256"}, {**GOOD, "exp": clock() + 1200}))
    leave()
    door.authenticator.watch(renewed, ended)
    door.authenticator.expire()
    clock.now += 700
    door.authenticator.expire()
    assert not ended.reason.done()
    running = asyncio.create_task(door.authenticator.run())
    clock.now += 700
    assert await asyncio.wait_for(ended.reason, 30) == "expired"
    running.cancel()


async def test_nobody_is_never_ended(door: Door) -> None:
    ended = Ended()
    leave = door.authenticator.watch(Caller.ANONYMOUS, ended)
    await door.authenticator.refresh()
    leave()
    assert not ended.reason.done()


async def test_another_admin_key_ends_what_the_old_one_opened(redis: Redis) -> None:
    clock = Clock()
    before = Door(redis, clock)
    text, _ = await before.authenticator.sessions.make(await before.authenticator.identify(ADMIN_KEY))
    after = Door(redis, clock, admin_key=ADMIN_KEY + "2")
    assert await before.authenticator.identify_session(text) is not None
    assert await after.authenticator.identify_session(text) is None


async def test_a_redis_that_answers_nonsense_ends_nobody(door: Door) -> None:
    ended = Ended()
    key, text = await door.keys.make("wire", GRANTS, by=ADMIN)
    door.authenticator.watch(await door.authenticator.identify(text), ended)
    await door.redis.set("livefeed:keys", "of another type")
    with pytest.raises(Unavailable):
        await door.authenticator.refresh()
    assert not ended.reason.done()
    assert door.keys.holds(key.id)


async def test_a_jwks_address_that_hangs_keeps_nothing_alive(redis: Redis) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()
        gone.set()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        door = Door(redis, jwks=f"http://{host}:{port}/jwks", refresh=0.01)
        key, text = await door.keys.make("wire", GRANTS, by=ADMIN)
        ended = Ended()
        door.authenticator.watch(await door.authenticator.identify(text), ended)
        running = asyncio.create_task(door.authenticator.run())
        await asyncio.wait_for(asked.wait(), 5)
        await Door(redis).keys.revoke(key.id)
        assert await asyncio.wait_for(ended.reason, 3) == "revoked"
        running.cancel()
        await asyncio.wait_for(gone.wait(), 5)
