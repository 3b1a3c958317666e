"""The live stream of a whole server, as the contract has it: where it starts, what passes, and how it ends."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import httpx2
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from livefeed.eventstream import EventStreamParser
from tests.served import ADMIN_KEY, running
from tests.stores import running_store
from tests.waiting import until

_feeds = itertools.count(1)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_store() as store, running(tmp_path_factory.mktemp("server"), store.url) as server:
        yield server.url


class Desk:
    """Publishes to a feed of its own."""

    def __init__(self, http: httpx2.AsyncClient, feed: str) -> None:
        self.http = http
        self.feed = feed
        self.path = f"/v1/feeds/{feed}"
        self.cursors: list[str] = []

    async def publish(self, headline: str, **fields: Any) -> dict[str, Any]:
        response = await self.http.post(f"{self.path}/items", json={"headline": headline, **fields})
        assert response.status_code == 201, response.text
        answer: dict[str, Any] = response.json()
        self.cursors.append(answer["event"])
        return answer

    async def page(self, query: str, **headers: str) -> dict[str, Any]:
        response = await self.http.get(f"{self.path}/events?{query}", headers={"accept": "application/json", **headers})
        assert response.status_code == 200, response.text
        page: dict[str, Any] = response.json()
        return page

    async def stream(self, query: str = "", count: int = 1, **headers: str) -> list[tuple[str, str, dict[str, Any]]]:
        """The first *count* events as (name, id, data)."""
        parser = EventStreamParser()
        events: list[tuple[str, str, dict[str, Any]]] = []
        async with asyncio.timeout(10), self.http.stream("GET", f"{self.path}/events?{query}", headers=headers) as response:
            assert response.status_code == 200
            async for chunk in response.aiter_raw():
                parsed = parser.feed(chunk)
                events += [(event.type, event.last_event_id, orjson.loads(event.data)) for event in parsed]
                if len(events) >= count:
                    break
        return events[:count]


@pytest.fixture
async def desk(url: str) -> AsyncIterator[Desk]:
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Accept-Encoding": "identity"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False) as http:
        desk = Desk(http, f"feed-{next(_feeds)}")
        assert (await http.put(desk.path, json={"title": "T"})).status_code == 201
        yield desk


async def ended(connection: ClientConnection) -> int | None:
    """The code with which the server closes."""
    with suppress(ConnectionClosed):
        while True:
            await connection.recv()
    return connection.close_code


def headlines(events: list[dict[str, Any]]) -> list[str]:
    return [event["data"]["headline"] for event in events]


async def test_the_same_bytes_on_every_transport(desk: Desk, url: str) -> None:
    await desk.publish("a", tags=["x"], urgency=2)
    (_, _, sse) = (await desk.stream("after=0-0", 2))[1]
    async with connect(f"{url.replace('http', 'ws')}{desk.path}/events?after=0-0", compression=None) as socket:
        await socket.recv()
        websocket = await socket.recv()
    page = await desk.page("after=0-0")

    assert orjson.loads(websocket) == sse == page["events"][0]
    assert sse["source"] == desk.path
    assert (sse["type"], sse["subject"], sse["id"]) == ("live.item.published", sse["data"]["uri"], desk.cursors[0])


async def test_hello_comes_first_and_carries_a_cursor_only_when_live_from_now(desk: Desk) -> None:
    await desk.publish("a")

    ((name, cursor, hello),) = await desk.stream()
    assert (name, cursor) == ("hello", desk.cursors[0])
    assert hello["cursor"] == hello["data"]["head"] == desk.cursors[0]
    assert hello["data"]["resumed"] is None
    assert hello["data"]["heartbeat"] == 15

    for query in ("last=3", "after=0-0", "since=1h"):
        ((_, cursor, hello), *_) = await desk.stream(query, 2)
        assert cursor == ""
        assert "cursor" not in hello
        assert hello["data"]["resumed"] is (True if query == "after=0-0" else None)


async def test_last_is_a_snapshot_then_live(desk: Desk) -> None:
    for name in "abc":
        await desk.publish(name)

    _, (name, cursor, snapshot) = await desk.stream("last=2", 2)

    assert (name, cursor) == ("snapshot", desk.cursors[2])
    assert [item["headline"] for item in snapshot["data"]["items"]] == ["c", "b"]
    assert snapshot["data"]["complete"] is True
    more = await desk.http.get(f"{desk.path}/items", params={"before": snapshot["data"]["next"]})
    assert [item["headline"] for item in more.json()["items"]] == ["a"]


async def test_last_event_id_comes_before_after_and_that_before_since(desk: Desk) -> None:
    for name in "abc":
        await desk.publish(name)

    first = await desk.stream(f"after={desk.cursors[0]}&last=9", 2, **{"Last-Event-ID": desk.cursors[1]})
    second = await desk.stream(f"after={desk.cursors[0]}&since=1h&last=9", 2)
    third = await desk.stream("since=1h&last=9", 2)

    assert [events[1][2]["data"]["headline"] for events in (first, second, third)] == ["c", "b", "a"]


@pytest.mark.parametrize("cursor", ["x", "１-1", "1_0-1", "-1-1", "1", "99999999999999999999999-1", "1-1x"])
async def test_a_malformed_cursor(desk: Desk, cursor: str) -> None:
    await desk.publish("a")

    refused = await desk.http.get(f"{desk.path}/events", params={"after": cursor})
    assert refused.status_code == 400
    assert "cursor" in refused.json()["detail"]

    if cursor.isascii():
        hello, reset = await desk.stream("", 2, **{"Last-Event-ID": cursor})
        assert hello[2]["data"]["resumed"] is False
        assert (reset[0], reset[2]["data"]["reason"]) == ("reset", "unknown")


async def test_a_cursor_that_is_not_in_this_log_is_reset(desk: Desk) -> None:
    await desk.publish("a")

    hello, (name, cursor, reset) = await desk.stream("after=9999999999999-77&last=1", 2)

    assert hello[2]["data"]["resumed"] is False
    assert (name, cursor) == ("reset", desk.cursors[0])
    assert reset["data"]["reason"] == "lost"
    assert [item["headline"] for item in reset["data"]["items"]] == ["a"]


async def test_what_was_trimmed_is_told_with_its_numbers(desk: Desk) -> None:
    for number in range(6):
        await desk.publish(str(number))
    settings = {"title": "T", "retention": {"events": 2}}
    assert (await desk.http.put(desk.path, json=settings)).status_code == 200

    _, reset = await desk.stream(f"after={desk.cursors[1]}", 2)
    page = await desk.page(f"after={desk.cursors[1]}")
    exact = await desk.page(f"after={desk.cursors[3]}")
    since = await desk.page("since=1h")

    assert reset[2]["data"] | {"items": []} == {
        "reason": "trimmed",
        "missed": {"first": 3, "last": 4},
        "items": [],
        "complete": True,
        "next": None,
    }
    assert page["resumed"] is False
    assert page["events"][0]["type"] == "live.stream.reset"
    assert exact["resumed"] is True
    assert headlines(exact["events"]) == ["4", "5"]
    assert since["events"][0]["data"]["reason"] == "trimmed"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("tags=x", "'tag'"),
        ("last=201", "200"),
        ("last=-1", "last"),
        ("since=tomorrow", "since"),
        ("since=2999-01-01T00:00:00Z", "future"),
        ("urgency=0", "urgency"),
        ("urgency=10", "urgency"),
        ("tag=", "tag"),
        ("last=1&last=2", "twice"),
        ("limit=5", "limit"),
    ],
)
async def test_a_query_that_cannot_be_meant_is_refused_by_name(desk: Desk, query: str, named: str) -> None:
    response = await desk.http.get(f"{desk.path}/events?{query}")

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert named in response.json()["detail"]


async def test_filters_pass_what_an_item_ever_was(desk: Desk) -> None:
    item = (await desk.publish("a", tags=["Sport"]))["item"]
    await desk.publish("b", tags=["politics"])
    path = f"{desk.path}/items/{item['id']}"
    assert (await desk.http.patch(path, json={"tags": ["politics"]})).status_code == 200
    assert (await desk.http.post(f"{path}/hold")).status_code == 200

    page = await desk.page("after=0-0&tag=sport")
    snapshot = await desk.page("last=9&tag=sport")

    # The hold has removed what was said before; whoever saw the item under its old tag hears of it.
    assert [event["type"] for event in page["events"]] == ["live.item.withheld"]
    assert "headline" not in page["events"][0]["data"]
    assert snapshot["events"][0]["data"]["items"] == []


async def test_urgency_filters(desk: Desk) -> None:
    for urgency in (1, 3, 5):
        await desk.publish(str(urgency), urgency=urgency)

    assert headlines((await desk.page("after=0-0&urgency=3"))["events"]) == ["1", "3"]


async def test_pages_go_on_where_the_last_one_ended(desk: Desk) -> None:
    for number in range(7):
        await desk.publish(str(number))

    seen: list[str] = []
    cursor, more = "0-0", True
    while more:
        page = await desk.page(f"after={cursor}&limit=3")
        seen += headlines(page["events"])
        cursor, more = page["cursor"], page["more"]

    assert seen == [str(number) for number in range(7)]
    assert cursor == desk.cursors[6]
    assert await desk.page(f"after={cursor}") == {"events": [], "cursor": cursor, "resumed": True, "more": False}
    assert await desk.page("") == {"events": [], "cursor": cursor, "resumed": None, "more": False}


async def test_a_long_poll_waits_for_what_passes(desk: Desk) -> None:
    await desk.publish("a")
    waiting = asyncio.create_task(desk.page(f"after={desk.cursors[0]}&tag=x&wait=20"))
    await desk.publish("b")
    await desk.publish("c", tags=["x"])

    page = await waiting

    assert headlines(page["events"]) == ["c"]
    assert page["cursor"] == desk.cursors[2]


async def test_accept(desk: Desk) -> None:
    async def type_of(accept: str) -> str:
        async with desk.http.stream("GET", f"{desk.path}/events", headers={"accept": accept}) as response:
            return response.headers["content-type"].split(";")[0]

    assert await type_of("text/event-stream") == "text/event-stream"
    assert await type_of("*/*") == "text/event-stream"
    assert await type_of("application/json") == "application/json"
    assert await type_of("application/json, text/event-stream;q=0.1") == "application/json"
    assert (await desk.http.get(f"{desk.path}/events", headers={"accept": "image/png"})).status_code == 406


async def test_a_feed_that_is_not_there(desk: Desk, url: str) -> None:
    assert (await desk.http.get("/v1/feeds/nowhere/events")).status_code == 404
    assert (await desk.http.get("/v1/feeds/No%20where/events")).status_code == 400
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{url.replace('http', 'ws')}/v1/feeds/nowhere/events")
    assert refused.value.response.status_code == 404


async def test_websocket_subprotocols(desk: Desk, url: str) -> None:
    address = f"{url.replace('http', 'ws')}{desk.path}/events"
    async with connect(address, subprotocols=["x", "cloudevents.json"]) as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "cloudevents.json"
    async with connect(address) as socket:
        assert socket.subprotocol is None
    with pytest.raises(InvalidStatus) as refused:
        await connect(address, subprotocols=["x"])  # type: ignore[list-item]
    assert refused.value.response.status_code == 400


async def test_a_private_feed_is_for_those_who_may_read_it(desk: Desk, url: str) -> None:
    async with connect(f"{url.replace('http', 'ws')}{desk.path}/events") as stranger:
        await stranger.recv()
        assert (await desk.http.put(desk.path, json={"title": "T", "public": False})).status_code == 200
        async with asyncio.timeout(10):
            assert await ended(stranger) == 4403
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as anonymous:
        assert (await anonymous.get(f"{desk.path}/events")).status_code == 401
    assert (await desk.stream())[0][0] == "hello"


async def test_deleting_a_feed_ends_its_readers_with_a_reason(desk: Desk) -> None:
    await desk.publish("a")
    reading = asyncio.create_task(desk.stream("after=0-0", 3))

    async def read() -> bool:
        return bool((await desk.http.get(desk.path)).json()["readers"])

    await until(read)
    assert (await desk.http.delete(desk.path)).status_code in (200, 204)

    events = await reading

    assert (events[2][0], events[2][2]["data"]["reason"]) == ("goodbye", "deleted")


class Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def ask(self, **command: Any) -> None:
        await self.connection.send(orjson.dumps(command).decode())

    async def told(self, count: int = 1) -> list[dict[str, Any]]:
        async with asyncio.timeout(10):
            return [orjson.loads(await self.connection.recv()) for _ in range(count)]


@pytest.fixture
async def socket(url: str) -> AsyncIterator[Socket]:
    address = f"{url.replace('http', 'ws')}/v1/ws"
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with connect(address, subprotocols=["livefeed.v1"], additional_headers=headers) as connection:  # type: ignore[list-item]
        yield Socket(connection)


async def test_many_feeds_on_one_socket(desk: Desk, socket: Socket) -> None:
    await desk.publish("a")
    await socket.ask(op="subscribe", ref=1, feed=desk.feed, after="0-0")
    subscribed, event = await socket.told(2)
    await socket.ask(op="subscribe", ref="two", feed=desk.feed, last=1)
    again, snapshot = await socket.told(2)
    await socket.ask(op="unsubscribe", ref=3, feed=desk.feed)

    assert (subscribed["op"], subscribed["ref"], subscribed["feed"]) == ("subscribed", 1, desk.feed)
    assert subscribed["data"]["resumed"] is True
    assert event["data"]["headline"] == "a"
    assert (again["ref"], snapshot["type"]) == ("two", "live.stream.snapshot")
    assert await socket.told() == [{"op": "unsubscribed", "ref": 3, "feed": desk.feed}]


async def test_publishing_on_a_socket(desk: Desk, socket: Socket) -> None:
    await socket.ask(op="subscribe", feed=desk.feed)
    await socket.told()
    await socket.ask(op="publish", ref=7, feed=desk.feed, item={"headline": "h", "tags": ["t"]}, key="k")
    first, second = await socket.told(2)
    ack, event = (first, second) if first.get("op") == "ack" else (second, first)
    await socket.ask(op="publish", ref=8, feed=desk.feed, item={"headline": "h", "tags": ["t"]}, key="k")
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
