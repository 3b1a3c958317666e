"""The whole server against its own description: made-up requests, and every message of its live connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import websockets
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.api.described import check_event, check_response
from tests.api.fuzz import fuzz
from tests.served import ADMIN_KEY, running

KEY = {"Authorization": f"Bearer {ADMIN_KEY}"}
EVENTS = "/v1/feeds/world/events"


@pytest.fixture
def url(redis_url: str, tmp_path: Path) -> Iterator[str]:
    with running(tmp_path, redis_url) as server:
        yield server.url


@pytest.fixture
def client(url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=url, headers=KEY, event_hooks={"response": [read_and_check]}) as client:
        yield client


def read_and_check(response: httpx2.Response) -> None:
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        response.read()
        check_response(response)


@pytest.mark.timeout(180)
def test_made_up_requests() -> None:
    requests, _ = fuzz(2, phases="examples,coverage", seconds=150)
    # How many it is depends on the machine; each was held against the description.
    assert requests > 50


def test_all_other_paths_answer_as_described(client: httpx2.Client) -> None:
    client.post("/v1/feeds/world/items", json={"headline": "Storm"})
    formats = [f"/v1/feeds/world/feed.{kind}" for kind in ("json", "atom", "rss", "ninjs", "jsonld")]
    for path in ("/v1/feeds", "/livez", "/readyz", "/metrics", *formats):
        assert client.get(path).status_code == 200, path
    assert client.post("/v1/tickets").status_code == 201
    assert client.post("/v1/session").status_code == 201
    key = client.post("/v1/keys", json={"name": "wire", "grants": {"publish": ["world"]}})
    assert key.status_code == 201
    assert client.post("/v1/keys", json={"name": "wire", "grants": {"publsh": ["world"]}}).status_code == 422
    for path in ("/v1/keys", "/v1/session", "/v1/audit", "/v1/screens"):
        assert client.get(path).status_code == 200, path
    assert client.delete(key.headers["location"]).status_code == 204
    assert client.post("/v1/feeds/world/desks", json={"desk": "one", "item": "x"}).status_code == 200
    assert client.post("/v1/feeds/world/screens", json={"screen": "one", "state": "live"}).status_code == 204
    assert client.get("/v1/screens").json()["screens"]
    assert client.delete("/v1/feeds/world/desks/one").status_code == 204


def test_what_is_not_modified_keeps_its_policy(url: str) -> None:
    for path in ("/docs", "/", "/openapi.json"):
        first = httpx2.get(f"{url}{path}")
        assert "default-src 'none'" in first.headers["content-security-policy"]
        if etag := first.headers.get("etag"):
            second = httpx2.get(f"{url}{path}", headers={"If-None-Match": etag})
            assert second.status_code == 304
            assert "content-security-policy" not in second.headers


def test_where_there_is_no_websocket(url: str) -> None:
    for path in ("/v1/feeds", "/nowhere"):
        with pytest.raises(websockets.InvalidStatus) as refused, connect(url.replace("http", "ws") + path):
            pass
        assert refused.value.response.status_code == 404
    response = httpx2.get(f"{url}/v1/ws")
    told = {name: response.headers[name] for name in ("upgrade", "connection")}
    assert (response.status_code, told) == (426, {"upgrade": "websocket", "connection": "upgrade"})


def test_pages_of_events(client: httpx2.Client) -> None:
    cursor = client.post("/v1/feeds/world/items", json={"headline": "Storm"}).json()["event"]
    client.post("/v1/feeds/world/items", json={"headline": "Gale"})
    json_page = {"Accept": "application/json"}
    starts: list[dict[str, Any]] = [{"after": cursor}, {"last": 5}, {"since": "1h"}, {"after": "1-9"}, {}, {"after": "x"}]
    for start in starts:
        answer = client.get(EVENTS, params=start, headers=json_page)
        for event in answer.json().get("events", ()):
            check_event(event)
    assert client.get(EVENTS, headers={"Accept": "image/png"}).status_code == 406


def test_a_stream_of_events(client: httpx2.Client) -> None:
    client.post("/v1/feeds/world/items", json={"headline": "Storm"})
    for start in ({"last": "5"}, {"after": "1-9"}):
        names = []
        with client.stream("GET", EVENTS, params=start) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    event = json.loads(line[5:])
                    check_event(event)
                    names.append(event["type"])
                if len(names) == 2:
                    client.post("/v1/feeds/world/items", json={"headline": "Gale"})
                if len(names) == 3:
                    break
        assert names == ["live.stream.hello", names[1], "live.item.published"]


async def test_a_socket_of_many_feeds(url: str, client: httpx2.Client) -> None:
    storm = client.post("/v1/feeds/world/items", json={"headline": "Storm"}).json()["item"]
    draft = client.post("/v1/feeds/world/items", json={"headline": "Breeze", "draft": True}).json()["item"]
    item = {"feed": "world", "id": storm["id"]}
    commands: list[dict[str, Any]] = [
        {"op": "subscribe", "ref": 1, "feed": "world", "last": 5},
        {"op": "publish", "ref": 2, "feed": "world", "item": {"headline": "Gale"}},
        {"op": "publish", "ref": 3, "feed": "world", "item": {}},
        {"op": "patch", **item, "patch": {"urgency": 2}, "version": 1},
        {"op": "hold", **item, "reason": "Checked."},
        {"op": "release", **item},
        {"op": "cancel", **item},
        {"op": "publish-draft", "feed": "world", "id": draft["id"]},
        {"op": "ping"},
        {"op": "token", "ref": 4, "token": ADMIN_KEY},
        {"op": "unsubscribe", "ref": 5, "feed": "world"},
    ]
    address = url.replace("http", "ws") + "/v1/ws"
    seen: list[str] = []
    async with websockets.connect(address, subprotocols=[Subprotocol("livefeed.v1")], additional_headers=KEY) as socket:

        async def hear(*awaited: str) -> None:
            async with asyncio.timeout(30):
                while not set(awaited) <= set(seen):
                    message = json.loads(await socket.recv())
                    check_event(message)
                    seen.append(message.get("op") or message["type"])

        for command in commands:
            # One is wrong on purpose, and the answer to a token has its name.
            if command.get("item") != {} and command["op"] != "token":
                check_event(command)
            await socket.send(json.dumps(command))
            if command["op"] == "subscribe":
                await hear("subscribed", "live.stream.snapshot")
            if command.get("ref") == 2:
                await hear("ack", "live.item.published")
        await hear("error", "pong", "token", "unsubscribed")
    assert seen.count("ack") == 6
    assert seen.count("error") == 1
