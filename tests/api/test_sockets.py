"""Many feeds on one WebSocket of a whole server, as docs/protocol.md has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.api.livedesk import LiveDesk, ended
from tests.served import ADMIN_KEY


class Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def ask(self, **command: Any) -> None:
        await self.connection.send(orjson.dumps(command).decode())

    async def told(self, count: int = 1) -> list[dict[str, Any]]:
        async with asyncio.timeout(30):
            return [orjson.loads(await self.connection.recv()) for _ in range(count)]


@pytest.fixture
async def socket(live_url: str) -> AsyncIterator[Socket]:
    address = f"{live_url.replace('http', 'ws')}/v1/ws"
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with connect(address, subprotocols=[Subprotocol("livefeed.v1")], additional_headers=headers) as connection:
        yield Socket(connection)


async def test_many_feeds_on_one_socket(live_desk: LiveDesk, socket: Socket) -> None:
    await live_desk.publish("a")
    await socket.ask(op="subscribe", ref=1, feed=live_desk.feed, after="0-0")
    subscribed, event = await socket.told(2)
    await socket.ask(op="subscribe", ref="two", feed=live_desk.feed, last=1)
    again, snapshot = await socket.told(2)
    await socket.ask(op="unsubscribe", ref=3, feed=live_desk.feed)

    assert (subscribed["op"], subscribed["ref"], subscribed["feed"]) == ("subscribed", 1, live_desk.feed)
    assert subscribed["data"]["resumed"] is True
    assert event["data"]["headline"] == "a"
    assert (again["ref"], snapshot["type"]) == ("two", "live.stream.snapshot")
    assert await socket.told() == [{"op": "unsubscribed", "ref": 3, "feed": live_desk.feed}]


async def test_publishing_on_a_socket(live_desk: LiveDesk, socket: Socket) -> None:
    await socket.ask(op="subscribe", feed=live_desk.feed)
    await socket.told()
    await socket.ask(op="publish", ref=7, feed=live_desk.feed, item={"headline": "h", "tags": ["t"]}, key="k")
    first, second = await socket.told(2)
    ack, event = (first, second) if first.get("op") == "ack" else (second, first)
    await socket.ask(op="publish", ref=8, feed=live_desk.feed, item={"headline": "h", "tags": ["t"]}, key="k")
    (again,) = await socket.told()

    assert (ack["ref"], ack["event"], ack["item"]) == (7, event["id"], event["data"])
    assert (again["ref"], again["event"]) == (8, event["id"])


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ({"op": "dance"}, 400),
        ({"op": "subscribe"}, 400),
        ({"op": "subscribe", "feed": "nowhere"}, 404),
        ({"op": "subscribe", "feed": "world", "afther": "0-0"}, 400),
        ({"op": "subscribe", "feed": "world", "after": "x"}, 400),
        ({"op": "subscribe", "feed": "world", "tags": "x"}, 400),
        ({"op": "unsubscribe", "feed": "world"}, 409),
        ({"op": "publish", "feed": "world", "item": {"nonsense": 1}}, 422),
        ({"op": "token", "token": "wrong"}, 401),
        ({"op": "ping", "x": 1}, 400),
    ],
)
async def test_a_command_that_cannot_be_carried_out(socket: Socket, command: dict[str, Any], status: int) -> None:
    await socket.ask(**command, ref=1)
    (answer,) = await socket.told()
    await socket.ask(op="ping")

    assert (answer["op"], answer["ref"], answer["problem"]["status"]) == ("error", 1, status)
    assert await socket.told() == [{"op": "pong"}]


async def test_what_is_no_command(socket: Socket) -> None:
    for message in ("", "[]", "{", '{"op":1}'):
        await socket.connection.send(message)
        (answer,) = await socket.told()
        assert (answer["op"], answer["problem"]["status"]) == ("error", 400)


async def test_too_many_commands_end_the_connection(socket: Socket) -> None:
    with suppress(ConnectionClosed):
        for _ in range(2_000):
            await socket.connection.send('{"op":"ping"}')

    assert await ended(socket.connection) == 4429
