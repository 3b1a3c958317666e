"""Readers that are let in at once get what the application would have sent, to the byte."""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx2
import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from livefeed.app import Application
from livefeed.config import load
from livefeed.counters import Counters
from livefeed.log.connect import connect, inspect
from livefeed.metrics import Board
from livefeed.net import HttpProtocol
from livefeed.net.websocket import WebSocketProtocol
from livefeed.outlets import Headers, Opening
from tests.serving import serving
from tests.waiting import until

KEY = "a-key-for-the-tests-that-is-long-enough"
ORIGIN = "https://news.example"

SSE = ("Accept: text/event-stream",)
WS = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: bGl2ZWZlZWQtcmVhZGVycw==", "Sec-WebSocket-Version: 13")

WORLD = "/v1/feeds/world/events"

AT_ONCE = [
    (WORLD, SSE),
    (WORLD, WS),
    (f"{WORLD}?after=0-0", SSE),
    (f"{WORLD}?after=0-0&tag=a&tag=b&urgency=3", SSE),
    (f"{WORLD}?after=0-0", WS),
    (f"{WORLD}?last=3", SSE),
    (f"{WORLD}?%61fter=0-0", SSE),
    ("/v1/feeds/worl%64/events", SSE),
    ("/v1/feeds/worl%64/events", WS),
    (WORLD, ("Accept: application/json;q=0.5, text/event-stream",)),
    (WORLD, (*SSE, "Accept-Encoding: gzip")),
    (WORLD, (*SSE, "Last-Event-ID: 0-0")),
    (WORLD, (*SSE, "Last-Event-ID: nonsense")),
    (WORLD, (*SSE, "Last-Event-ID: 0-0", "Last-Event-ID: 0-0")),
    (WORLD, (*WS, "Last-Event-ID: 0-0")),
    (WORLD, (*SSE, f"Origin: {ORIGIN}")),
    (WORLD, (*SSE, "Origin: https://other.example")),
    (WORLD, (*SSE, "Origin: https://n\xe9ws.example")),
    (WORLD, (*WS, f"Origin: {ORIGIN}")),
    (WORLD, (*WS, "Sec-WebSocket-Protocol: chat, cloudevents.json")),
    (WORLD, (*WS, "Sec-WebSocket-Extensions: permessage-deflate")),
]

NOT_AT_ONCE = [
    (WORLD, ("Accept: application/json, text/event-stream;q=0.5",)),
    (WORLD, ("Accept: text/html", "Accept: text/event-stream")),
    (f"{WORLD}?since=1h", SSE),
    (f"{WORLD}?since=1h", WS),
    (f"{WORLD}?since=yesterday", SSE),
    (f"{WORLD}?after=nonsense", SSE),
    (f"{WORLD}?after=nonsense", WS),
    (f"{WORLD}?before=1-0", SSE),
    (f"{WORLD}?tag=%ff", SSE),
    (f"{WORLD}?after=0-0&after=0-0", SSE),
    (f"{WORLD}?token=x", SSE),
    (f"{WORLD}?tag={KEY}&tag=lfk_aaaaaaaaaa_secret", SSE),
    (f"{WORLD}?ticket=unknown", SSE),
    (f"{WORLD}?ticket=unknown", WS),
    (f"{WORLD}?%74icket=unknown", WS),
    (WORLD, (*WS, "Sec-WebSocket-Protocol: chat")),
    (WORLD, (*SSE, f"Authorization: Bearer {KEY}")),
    (WORLD, (*WS, f"Authorization: Bearer {KEY}")),
    (WORLD, (*SSE, "Authorization: Bearer wrong")),
    (WORLD, (*SSE, "Cookie: livefeed_session=wrong")),
    (WORLD, (*SSE, "Cookie: livefeed_session=wrong", "Origin: https://other.example")),
    (WORLD, (*WS, "Cookie: livefeed_session=wrong")),
    ("/v1/feeds/closed/events", SSE),
    ("/v1/feeds/closed/events", WS),
    ("/v1/feeds/nowhere/events", SSE),
    ("/v1/feeds/nowhere/events", WS),
    ("/v1/feeds/UPPER/events", SSE),
    ("/v1/feeds/world/events/", SSE),
    ("/v1/feeds/world/world/events", SSE),
    ("/v1/feeds/events", SSE),
    ("/v1/feeds//events", WS),
    ("/v1/feeds/lfk_aaaaaaaaaa_secret/events", SSE),
]


class Watched:
    """The doorway, and whom it let in."""

    def __init__(self, application: Application) -> None:
        assert application.network.doorway is not None
        self._network = application.network
        self._doorway = application.network.doorway
        self.let_in: list[bool] = []
        self.application = application
        self.open()

    def __call__(self, path: str, query: bytes, headers: Headers, offered: list[str] | None = None) -> Opening | None:
        opening = self._doorway(path, query, headers, offered)
        self.let_in.append(opening is not None)
        return opening

    def open(self) -> None:
        self._network.doorway = self

    def close(self) -> None:
        self._network.doorway = None


@pytest.fixture
async def application(redis_url: str) -> Application:
    client = connect(redis_url)
    backend = await inspect(client, redis_url)
    await client.aclose()
    settings = {"LIVEFEED_REDIS_URL": redis_url, "LIVEFEED_ADMIN_KEY": KEY, "LIVEFEED_ALLOWED_ORIGINS": ORIGIN}
    return Application(load(settings), backend, counters=Counters(), board=Board(1), row=0)


@pytest.fixture
async def url(application: Application) -> AsyncIterator[str]:
    async with serving(
        application.asgi, http=HttpProtocol.on(application.network), proxy_headers=False, server_header=False
    ) as url:
        async with httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False) as client:
            for feed, public in (("world", True), ("closed", False)):
                await client.put(f"/v1/feeds/{feed}", json={"title": feed, "public": public})
                await client.post(f"/v1/feeds/{feed}/items", json={"headline": "First"})
                # From now on this worker follows the feed.
                await client.get(f"/v1/feeds/{feed}/events", headers={"Accept": "application/json"})
        yield url


async def ask(url: str, path: str, fields: tuple[str, ...], until: bytes = b'"version":') -> bytes:
    """What comes up to the end of `hello` or of the response, without what differs from one response to the next."""
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    writer.write("\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *fields, "", ""]).encode("latin-1"))
    got = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", got)
    got += await reader.readexactly(int(length[1])) if length else await reader.readuntil(until)
    writer.close()
    return re.sub(rb'date: [^\r]+|\w+-[0-9a-f]{16}|\d{4}-\d\d-\d\dT[\d:.]+Z|"retryMs":\d+|retry: \d+', b"~", got)


async def test_who_is_let_in_at_once_gets_the_same_bytes(application: Application, url: str) -> None:
    watched = Watched(application)
    for path, fields in AT_ONCE:
        watched.open()
        at_once = await ask(url, path, fields)
        assert watched.let_in.pop() is True, (path, fields)
        watched.close()
        assert at_once == await ask(url, path, fields), (path, fields)


async def test_everybody_else_is_answered_by_the_application(application: Application, url: str) -> None:
    watched = Watched(application)
    for path, fields in NOT_AT_ONCE:
        watched.open()
        answered = await ask(url, path, fields)
        assert True not in watched.let_in, (path, fields)
        watched.close()
        assert answered == await ask(url, path, fields), (path, fields)


async def test_nothing_is_left_to_the_garbage_collector(application: Application, url: str) -> None:
    watched = Watched(application)
    gc.collect()
    gc.disable()
    try:
        for path, fields in AT_ONCE:
            await ask(url, path, fields)
        await until(lambda: not application.counters.connections)
        left = [thing for thing in gc.get_objects() if isinstance(thing, HttpProtocol | RequestResponseCycle | WebSocketProtocol)]
    finally:
        gc.enable()
    assert all(watched.let_in)
    assert left == []


@pytest.mark.parametrize("fields", [SSE, WS])
async def test_nobody_is_let_in_while_the_server_stops(application: Application, url: str, fields: tuple[str, ...]) -> None:
    watched = Watched(application)
    await application.drain()
    assert b"the server is stopping" in await ask(url, WORLD, fields, until=b"retryMs")
    assert watched.let_in == [False]
