"""A whole site for browsers: a live server on a Redis of its own, and an editor's hand on it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import httpx2

from tests.live import KEY, LiveServer
from tests.stores import Store


class Site:
    """The address of a running server, to be killed and frozen, and what an editor does there."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self.key = KEY
        self._server = LiveServer(self.store.url, folder)
        self._server.environ |= {"LIVEFEED_PUBLISH_RATE": "10000", "LIVEFEED_PUBLISH_BURST": "10000"}
        self.url = self._server.url
        self.port = self._server.port
        headers = {"Authorization": f"Bearer {KEY}"}
        self._client = httpx2.AsyncClient(base_url=self.url, headers=headers, trust_env=False)

    async def open(self) -> None:
        await self.store.start_soon()
        await self.start()

    async def close(self) -> None:
        await self._client.aclose()
        await self.kill()
        self.store.kill()

    async def start(self) -> None:
        await self._server.start()

    async def kill(self) -> None:
        """As a crash ends it, with all its workers."""
        await self._server.stop(signal.SIGKILL)

    async def stop(self) -> None:
        """As an operator stops it: it says goodbye to its readers."""
        await self._server.stop()

    def freeze(self) -> None:
        self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._server.send_signal(signal.SIGCONT)

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        response = await self._client.request(method, path, json=body)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    async def make(self, feed: str, **settings: object) -> None:
        await self.ask("PUT", f"/v1/feeds/{feed}", settings)

    async def publish(self, feed: str, **fields: Any) -> dict[str, Any]:
        item: dict[str, Any] = (await self.ask("POST", f"/v1/feeds/{feed}/items", {"headline": "Storm", **fields}))["item"]
        return item

    async def batch(self, feed: str, items: list[dict[str, Any]]) -> None:
        response = await self._client.post(f"/v1/feeds/{feed}/items", json=items)
        assert response.is_success, response.text

    async def change(self, feed: str, item_id: str, **fields: Any) -> None:
        await self.ask("PATCH", f"/v1/feeds/{feed}/items/{item_id}", fields)

    async def cancel(self, feed: str, item_id: str) -> None:
        await self.ask("POST", f"/v1/feeds/{feed}/items/{item_id}/cancel", {})

    async def items(self, feed: str) -> list[dict[str, Any]]:
        """All current items, newest first."""
        found: list[dict[str, Any]] = []
        before = ""
        while True:
            page = await self.ask("GET", f"/v1/feeds/{feed}/items?limit=200{before}")
            found += page["items"]
            if page["next"] is None:
                return found
            before = f"&before={page['next']}"

    async def readers(self, feed: str) -> int:
        return int((await self.ask("GET", f"/v1/feeds/{feed}"))["readers"])
