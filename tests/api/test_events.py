"""The live stream of a whole server, as docs/protocol.md has it: where it starts, what passes, and how it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.api.livedesk import LiveDesk, ended
from tests.waiting import until


def headlines(events: list[dict[str, Any]]) -> list[str]:
    return [event["data"]["headline"] for event in events]


async def test_the_same_bytes_on_every_transport(live_desk: LiveDesk, live_url: str) -> None:
    await live_desk.publish("a", tags=["x"], urgency=2)
    (_, _, sse) = (await live_desk.stream("after=0-0", 2))[1]
    async with connect(f"{live_url.replace('http', 'ws')}{live_desk.path}/events?after=0-0", compression=None) as socket:
        await socket.recv()
        websocket = await socket.recv()
    page = await live_desk.page("after=0-0")

    assert orjson.loads(websocket) == sse == page["events"][0]
    assert sse["source"] == live_desk.path
    assert (sse["type"], sse["subject"], sse["id"]) == ("live.item.published", sse["data"]["uri"], live_desk.cursors[0])


async def test_hello_comes_first_and_carries_a_cursor_only_when_live_from_now(live_desk: LiveDesk) -> None:
    await live_desk.publish("a")

    ((name, cursor, hello),) = await live_desk.stream()
    assert (name, cursor) == ("hello", live_desk.cursors[0])
    assert hello["cursor"] == hello["data"]["head"] == live_desk.cursors[0]
    assert hello["data"]["resumed"] is None
    assert hello["data"]["heartbeat"] == 15

    for query in ("last=3", "after=0-0", "since=1h"):
        ((_, cursor, hello), *_) = await live_desk.stream(query, 2)
        assert cursor == ""
        assert "cursor" not in hello
        assert hello["data"]["resumed"] is (True if query == "after=0-0" else None)


async def test_last_is_a_snapshot_then_live(live_desk: LiveDesk) -> None:
    for name in "abc":
        await live_desk.publish(name)

    _, (name, cursor, snapshot) = await live_desk.stream("last=2", 2)

    assert (name, cursor) == ("snapshot", live_desk.cursors[2])
    assert [item["headline"] for item in snapshot["data"]["items"]] == ["c", "b"]
    assert snapshot["data"]["complete"] is True
    more = await live_desk.http.get(f"{live_desk.path}/items", params={"before": snapshot["data"]["next"]})
    assert [item["headline"] for item in more.json()["items"]] == ["a"]


async def test_last_event_id_comes_before_after_and_that_before_since(live_desk: LiveDesk) -> None:
    for name in "abc":
        await live_desk.publish(name)

    first = await live_desk.stream(f"after={live_desk.cursors[0]}&last=9", 2, **{"Last-Event-ID": live_desk.cursors[1]})
    second = await live_desk.stream(f"after={live_desk.cursors[0]}&since=1h&last=9", 2)
    third = await live_desk.stream("since=1h&last=9", 2)

    assert [events[1][2]["data"]["headline"] for events in (first, second, third)] == ["c", "b", "a"]


@pytest.mark.parametrize("cursor", ["x", "１-1", "1_0-1", "-1-1", "1", "99999999999999999999999-1", "1-1x"])
async def test_a_malformed_cursor(live_desk: LiveDesk, cursor: str) -> None:
    await live_desk.publish("a")

    refused = await live_desk.http.get(f"{live_desk.path}/events", params={"after": cursor})
    assert refused.status_code == 400
    assert "cursor" in refused.json()["detail"]

    if cursor.isascii():
        hello, reset = await live_desk.stream("", 2, **{"Last-Event-ID": cursor})
        assert hello[2]["data"]["resumed"] is False
        assert (reset[0], reset[2]["data"]["reason"]) == ("reset", "unknown")


async def test_a_cursor_that_is_not_in_this_log_is_reset(live_desk: LiveDesk) -> None:
    await live_desk.publish("a")

    hello, (name, cursor, reset) = await live_desk.stream("after=9999999999999-77&last=1", 2)

    assert hello[2]["data"]["resumed"] is False
    assert (name, cursor) == ("reset", live_desk.cursors[0])
    assert reset["data"]["reason"] == "lost"
    assert [item["headline"] for item in reset["data"]["items"]] == ["a"]


async def test_what_was_trimmed_is_told_with_its_numbers(live_desk: LiveDesk) -> None:
    for number in range(6):
        await live_desk.publish(str(number))
    settings = {"title": "T", "retention": {"events": 2}}
    assert (await live_desk.http.put(live_desk.path, json=settings)).status_code == 200

    _, reset = await live_desk.stream(f"after={live_desk.cursors[1]}", 2)
    page = await live_desk.page(f"after={live_desk.cursors[1]}")
    exact = await live_desk.page(f"after={live_desk.cursors[3]}")
    since = await live_desk.page("since=1h")

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
async def test_a_query_that_cannot_be_meant_is_refused_by_name(live_desk: LiveDesk, query: str, named: str) -> None:
    response = await live_desk.http.get(f"{live_desk.path}/events?{query}")

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert named in response.json()["detail"]


async def test_filters_pass_what_an_item_ever_was(live_desk: LiveDesk) -> None:
    item = (await live_desk.publish("a", tags=["Sport"]))["item"]
    await live_desk.publish("b", tags=["politics"])
    path = f"{live_desk.path}/items/{item['id']}"
    assert (await live_desk.http.patch(path, json={"tags": ["politics"]})).status_code == 200
    assert (await live_desk.http.post(f"{path}/hold")).status_code == 200

    page = await live_desk.page("after=0-0&tag=sport")
    snapshot = await live_desk.page("last=9&tag=sport")

    # The hold has removed what was said before; whoever saw the item under its old tag hears of it.
    assert [event["type"] for event in page["events"]] == ["live.item.withheld"]
    assert "headline" not in page["events"][0]["data"]
    assert snapshot["events"][0]["data"]["items"] == []


async def test_urgency_filters(live_desk: LiveDesk) -> None:
    for urgency in (1, 3, 5):
        await live_desk.publish(str(urgency), urgency=urgency)

    assert headlines((await live_desk.page("after=0-0&urgency=3"))["events"]) == ["1", "3"]


async def test_pages_go_on_where_the_last_one_ended(live_desk: LiveDesk) -> None:
    for number in range(7):
        await live_desk.publish(str(number))

    seen: list[str] = []
    cursor, more = "0-0", True
    while more:
        page = await live_desk.page(f"after={cursor}&limit=3")
        seen += headlines(page["events"])
        cursor, more = page["cursor"], page["more"]

    assert seen == [str(number) for number in range(7)]
    assert cursor == live_desk.cursors[6]
    assert await live_desk.page(f"after={cursor}") == {"events": [], "cursor": cursor, "resumed": True, "more": False}
    assert await live_desk.page("") == {"events": [], "cursor": cursor, "resumed": None, "more": False}


async def test_a_long_poll_waits_for_what_passes(live_desk: LiveDesk) -> None:
    await live_desk.publish("a")
    waiting = asyncio.create_task(live_desk.page(f"after={live_desk.cursors[0]}&tag=x&wait=20"))
    await live_desk.publish("b")
    await live_desk.publish("c", tags=["x"])

    page = await waiting

    assert headlines(page["events"]) == ["c"]
    assert page["cursor"] == live_desk.cursors[2]


async def test_accept(live_desk: LiveDesk) -> None:
    async def type_of(accept: str) -> str:
        async with live_desk.http.stream("GET", f"{live_desk.path}/events", headers={"accept": accept}) as response:
            return response.headers["content-type"].split(";")[0]

    assert await type_of("text/event-stream") == "text/event-stream"
    assert await type_of("*/*") == "text/event-stream"
    assert await type_of("application/json") == "application/json"
    assert await type_of("application/json, text/event-stream;q=0.1") == "application/json"
    assert (await live_desk.http.get(f"{live_desk.path}/events", headers={"accept": "image/png"})).status_code == 406


async def test_a_feed_that_is_not_there(live_desk: LiveDesk, live_url: str) -> None:
    assert (await live_desk.http.get("/v1/feeds/nowhere/events")).status_code == 404
    assert (await live_desk.http.get("/v1/feeds/No%20where/events")).status_code == 400
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{live_url.replace('http', 'ws')}/v1/feeds/nowhere/events")
    assert refused.value.response.status_code == 404


async def test_websocket_subprotocols(live_desk: LiveDesk, live_url: str) -> None:
    address = f"{live_url.replace('http', 'ws')}{live_desk.path}/events"
    async with connect(address, subprotocols=[Subprotocol("x"), Subprotocol("cloudevents.json")]) as socket:
        assert socket.subprotocol == "cloudevents.json"
    async with connect(address) as socket:
        assert socket.subprotocol is None
    with pytest.raises(InvalidStatus) as refused:
        await connect(address, subprotocols=[Subprotocol("x")])
    assert refused.value.response.status_code == 400


async def test_a_private_feed_is_for_those_who_may_read_it(live_desk: LiveDesk, live_url: str) -> None:
    async with connect(f"{live_url.replace('http', 'ws')}{live_desk.path}/events") as stranger:
        await stranger.recv()
        assert (await live_desk.http.put(live_desk.path, json={"title": "T", "public": False})).status_code == 200
        async with asyncio.timeout(30):
            assert await ended(stranger) == 4403
    async with httpx2.AsyncClient(base_url=live_url, trust_env=False) as anonymous:
        assert (await anonymous.get(f"{live_desk.path}/events")).status_code == 401
    assert (await live_desk.stream())[0][0] == "hello"


async def test_who_waits_at_a_feed_that_is_made_private_hears_nothing_more(live_desk: LiveDesk, live_url: str) -> None:
    await live_desk.publish("a")
    async with (
        httpx2.AsyncClient(base_url=live_url, trust_env=False, timeout=30) as anonymous,
        connect(f"{live_url.replace('http', 'ws')}{live_desk.path}/events") as stranger,
    ):
        path = f"{live_desk.path}/events?after={live_desk.cursors[0]}&wait=20"
        waiting = asyncio.create_task(anonymous.get(path, headers={"accept": "application/json"}))
        await stranger.recv()
        await live_desk.http.put(live_desk.path, json={"public": False})
        async with asyncio.timeout(10):
            assert await ended(stranger) == 4403  # so that the worker knows of it
        await live_desk.publish("b")
        answer = await waiting
    assert answer.status_code == 401
    assert "cursor" not in answer.json()


async def test_deleting_a_feed_ends_its_readers_with_a_reason(live_desk: LiveDesk) -> None:
    await live_desk.publish("a")
    reading = asyncio.create_task(live_desk.stream("after=0-0", 3))

    async def read() -> bool:
        return bool((await live_desk.http.get(live_desk.path)).json()["readers"])

    await until(read)
    assert (await live_desk.http.delete(live_desk.path)).status_code in (200, 204)

    events = await reading

    assert (events[2][0], events[2][2]["data"]["reason"]) == ("goodbye", "deleted")
