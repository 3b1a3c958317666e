"""Readers that parse as a browser and a stock WebSocket client do, follow a feed, and come back when the server goes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from livefeed.eventstream import EventStreamParser

__all__ = ["Follower", "SseFollower", "WebSocketFollower", "following"]


@dataclass
class Follower:
    """One reader of one feed. It keeps every log event that it was sent, and every event of the stream's own by name."""

    url: str
    feed: str
    start: str = "after=0-0"
    cursor: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    connections: int = 0

    @property
    def path(self) -> str:
        return f"/v1/feeds/{self.feed}/events?" + (f"after={self.cursor}" if self.cursor else self.start)

    @property
    def numbers(self) -> list[int]:
        return [int(event["id"].split("-")[1]) for event in self.events]

    def heard(self, event: dict[str, Any]) -> None:
        if event["type"].startswith("live.stream."):
            self.told.append((event["type"].removeprefix("live.stream."), event))
            self.cursor = event.get("cursor", self.cursor)
        else:
            self.events.append(event)
            self.cursor = event["id"]

    async def run(self) -> None:
        """Follow until cancelled, whatever happens to the server."""
        while True:
            with suppress(OSError, WebSocketException, asyncio.IncompleteReadError):
                await self.connect()
            await asyncio.sleep(random.uniform(0.02, 0.2))

    async def connect(self) -> None:
        raise AssertionError("a follower is one of a kind")


class SseFollower(Follower):
    async def connect(self) -> None:
        address = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            resume = f"Last-Event-ID: {self.cursor}\r\n" if self.cursor else ""
            path = f"/v1/feeds/{self.feed}/events?{self.start}"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n{resume}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                return
            self.connections += 1
            parser = EventStreamParser()
            while chunk := await reader.read(65_536):
                for event in parser.feed(chunk):
                    self.heard(orjson.loads(event.data))
        finally:
            writer.close()


class WebSocketFollower(Follower):
    async def connect(self) -> None:
        address = self.url.replace("http", "ws", 1) + self.path
        async with connect(address, subprotocols=[Subprotocol("cloudevents.json")], compression=None, proxy=None) as socket:
            self.connections += 1
            async for message in socket:
                self.heard(orjson.loads(message))


class Runs(Protocol):
    """A reader that follows until it is cancelled."""

    async def run(self) -> None: ...


@asynccontextmanager
async def following(followers: Sequence[Runs]) -> AsyncIterator[None]:
    """Run *followers* for the length of a block."""
    tasks = [asyncio.create_task(follower.run()) for follower in followers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
