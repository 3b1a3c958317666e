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


async def test_the_life_of_an_item_on_a_socket(live_desk: LiveDesk, socket: Socket) -> None:
    async def do(op: str, **members: Any) -> dict[str, Any]:
        await socket.ask(op=op, ref=op, feed=live_desk.feed, **members)
        (answer,) = await socket.told()
        assert (answer["op"], answer["ref"]) == ("ack", op), answer
        return answer

    draft = await do("publish", item={"headline": "Storm", "draft": True})
    name = draft["item"]["id"]
    out = await do("publish-draft", id=name, version=1)
    patched = await do("patch", id=name, patch={"headline": "Gale", "correction": "It was a gale."})
    held = await do("hold", id=name, reason="Checked.")
    again = await do("hold", id=name, reason="Checked.")
    released = await do("release", id=name, patch={"headline": "Breeze"})
    killed = await do("cancel", id=name, version=released["item"]["version"])

    assert draft["event"] is None
    assert out["item"]["headline"] == "Storm"
    assert (patched["item"]["headline"], patched["item"]["correction"]) == ("Gale", "It was a gale.")
    assert (held["item"]["pubStatus"], held["item"]["reason"]) == ("withheld", "Checked.")
    assert again == held
    assert (released["item"]["pubStatus"], released["item"]["headline"]) == ("usable", "Breeze")
    assert killed["item"]["pubStatus"] == "canceled"


async def test_a_change_on_a_socket_is_refused_as_over_http(live_desk: LiveDesk, socket: Socket, live_url: str) -> None:
    item = (await live_desk.publish("a"))["item"]
    change = {"op": "patch", "feed": live_desk.feed, "id": item["id"], "patch": {"headline": "b"}}
    await socket.ask(**change, version=7)
    await socket.ask(**{**change, "id": "none"})
    await socket.ask(op="hold", feed=live_desk.feed, id=item["id"], reason=5)
    stale, unknown, reason = await socket.told(3)
    async with connect(f"{live_url.replace('http', 'ws')}/v1/ws") as connection:
        stranger = Socket(connection)
        for op in ("hold", "release", "cancel", "publish-draft"):
            await stranger.ask(op=op, feed=live_desk.feed, id=item["id"])
        await stranger.ask(**change)
        refused = await stranger.told(5)

    assert [answer["problem"]["status"] for answer in (stale, unknown, reason)] == [412, 404, 422]
    assert [answer["problem"]["status"] for answer in refused] == [401] * 5


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
        ({"op": "patch", "feed": "world", "id": "x"}, 400),
        ({"op": "patch", "feed": "world", "patch": {}}, 400),
        ({"op": "release", "feed": "world", "id": "x", "patch": []}, 400),
        ({"op": "hold", "feed": "world", "id": "x", "patch": {}}, 400),
        ({"op": "cancel", "feed": "world", "id": "x", "version": "3"}, 400),
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
