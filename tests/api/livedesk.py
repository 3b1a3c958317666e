"""A feed on a whole server: publishing to it, and what its live stream says."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import httpx2
import orjson
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from livefeed.eventstream import EventStreamParser

__all__ = ["LiveDesk", "ended"]


class LiveDesk:
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
        async with asyncio.timeout(30), self.http.stream("GET", f"{self.path}/events?{query}", headers=headers) as response:
            assert response.status_code == 200
            async for chunk in response.aiter_raw():
                parsed = parser.feed(chunk)
                events += [(event.type, event.last_event_id, orjson.loads(event.data)) for event in parsed]
                if len(events) >= count:
                    break
        return events[:count]


async def ended(connection: ClientConnection) -> int | None:
    """The code with which the server closes."""
    with suppress(ConnectionClosed):
        while True:
            await connection.recv()
    return connection.close_code
