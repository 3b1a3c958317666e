"""What must not be seen: the desk's notes, and words whose time has not come. Every output of the whole server is searched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import websockets
from redis.asyncio import Redis

from livefeed.events import rfc3339
from tests.served import ADMIN_KEY, Server, running
from tests.waiting import until

KEY = {"Authorization": f"Bearer {ADMIN_KEY}"}
FEED = "/v1/feeds/world"
ITEMS = f"{FEED}/items"
NOTE, EARLY = "CANARYNOTE", "CANARYWORD"


@pytest.fixture
def server(redis_url: str, tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, redis_url) as server:
        yield server


class Ear:
    """Everything that the server said to anybody, on whatever way."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard: list[str] = []
        self.client = httpx2.AsyncClient(base_url=url, event_hooks={"response": [self._note]})
        self._streams: list[asyncio.Task[None]] = []

    async def _note(self, response: httpx2.Response) -> None:
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            await response.aread()
            self.heard.append(f"{response.headers}\n{response.text}")

    async def __aenter__(self) -> Ear:
        self._streams = [asyncio.create_task(listen) for listen in (self._follow(), self._connect(), self._subscribe())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for stream in self._streams:
            stream.cancel()
        await asyncio.gather(*self._streams, return_exceptions=True)
        await self.client.aclose()

    async def _follow(self) -> None:
        async with self.client.stream("GET", f"{FEED}/events", params={"last": 50}) as stream:
            async for line in stream.aiter_lines():
                self.heard.append(line)

    async def _connect(self) -> None:
        async with websockets.connect(f"{self.url.replace('http', 'ws')}{FEED}/events?last=50") as socket:
            async for message in socket:
                self.heard.append(str(message))

    async def _subscribe(self) -> None:
        async with websockets.connect(f"{self.url.replace('http', 'ws')}/v1/ws", additional_headers=KEY) as socket:
            publish = {"op": "publish", "feed": "world", "item": {"headline": "by socket", "edNote": NOTE}}
            for command in ({"op": "subscribe", "feed": "world", "last": 50}, publish):
                await socket.send(json.dumps(command))
            async for message in socket:
                self.heard.append(str(message))

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        response = await self.client.request(method, path, json=body, headers=KEY, timeout=10, **more)
        assert response.status_code < 300, response.text
        return response.json() if response.headers["content-type"] == "application/json" else None

    async def look_everywhere(self, item_id: str) -> None:
        """What anybody can ask for, and what an admin is told outside the desk."""
        formats = [f"{FEED}/feed.{kind}" for kind in ("json", "atom", "rss", "ninjs", "jsonld")]
        pages = ["/", "/read/world", f"/read/world/{item_id}", "/wall/world", "/desk/world", "/metrics", "/v1/feeds", FEED]
        lists = [ITEMS, f"{ITEMS}?q=canary", f"{ITEMS}?limit=200", f"{ITEMS}/{item_id}", f"{FEED}/events?after=0-0"]
        for path in (*formats, *pages, *lists, f"{ITEMS}/{item_id}/history", "/v1/audit"):
            for headers in ({}, KEY):
                await self.client.get(path, headers={"Accept": "application/json, */*;q=0.5", **headers})

    def everything(self) -> str:
        return "\n".join(self.heard)


async def test_a_note_never_leaves_the_desk(server: Server, redis: Redis) -> None:
    await redis.ping()
    async with httpx2.AsyncClient(base_url=server.url, headers=KEY) as setup:
        assert (await setup.put(FEED, json={})).status_code == 201
    async with Ear(server.url) as ear:
        given = {"headline": "Storm", "edNote": NOTE, "uri": "urn:example:1", "tags": ["a"]}
        item = (await ear.ask("POST", ITEMS, given))["item"]
        path = f"{ITEMS}/{item['id']}"
        await ear.ask("POST", ITEMS, given)
        await ear.ask("POST", ITEMS, {**given, "headline": "Gale"}, params={"existing": "update"})
        await ear.ask("POST", ITEMS, [{"headline": "batch", "edNote": NOTE}])
        await ear.ask("POST", ITEMS, {"headline": "draft", "edNote": NOTE, "draft": True})
        await ear.ask("PATCH", path, {"edNote": f"{NOTE} again"})
        await ear.ask("PATCH", path, {"urgency": 1})
        await ear.look_everywhere(item["id"])
        await ear.ask("POST", f"{path}/hold", {"reason": "checking"})
        await ear.look_everywhere(item["id"])
        for deed in ("release", "hold", "cancel"):
            await ear.ask("POST", f"{path}/{deed}")
        await ear.look_everywhere(item["id"])
        await until(lambda: ear.everything().count("live.item.canceled") >= 3 and '"op":"ack"' in ear.everything())
        assert NOTE not in ear.everything()
        desk = await ear.client.get(ITEMS, params={"view": "desk"}, headers=KEY)
        assert NOTE in desk.text
    assert NOTE not in server.output
    assert NOTE not in repr(await redis.xrange("livefeed:{world}:log")) + repr(await redis.xrange("livefeed:audit"))


async def test_no_embargoed_word_is_early(server: Server, redis: Redis) -> None:
    async with httpx2.AsyncClient(base_url=server.url, headers=KEY) as setup:
        assert (await setup.put(FEED, json={})).status_code == 201
    seconds, micros = await redis.time()
    time_up = seconds * 1000 + micros // 1000 + 2_500
    async with Ear(server.url) as ear:
        given = {"headline": "plain", "bodyText": EARLY, "embargoedUntil": rfc3339(time_up), "tags": ["a"]}
        response = await ear.client.post(ITEMS, json=given, headers=KEY)
        item = response.json()["item"]
        assert response.json()["event"] is None
        ear.heard.remove(next(text for text in ear.heard if EARLY in text))  # who gave it may see it
        for path in (f"{ITEMS}/{item['id']}", f"/read/world/{item['id']}"):
            assert (await ear.client.get(path)).status_code == 404
        for path in (ITEMS, f"{ITEMS}?q=canary", f"{FEED}/events?after=0-0", f"{FEED}/feed.json", "/read/world"):
            await ear.client.get(path, headers={"Accept": "application/json, */*;q=0.5"})
        log = repr(await redis.xrange("livefeed:{world}:log"))
        seconds, micros = await redis.time()
        if seconds * 1000 + micros // 1000 < time_up:  # else this machine was too slow to have looked early
            assert EARLY not in ear.everything() + log
        await until(lambda: ear.everything().count(EARLY) >= 3)
        told = [json.loads(text) for text in ear.heard if EARLY in text and text.startswith("{")]
        assert {event["type"] for event in told} == {"live.item.published"}
        assert min(int(event["id"].partition("-")[0]) for event in told) >= time_up
        assert (await ear.client.get(f"{ITEMS}/{item['id']}")).json()["bodyText"] == EARLY
    assert EARLY not in server.output
