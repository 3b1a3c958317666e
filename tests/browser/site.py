"""A whole site for browsers: `livefeed serve` as a process of its own on a Redis of its own, to be killed and frozen."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from typing import Any

import httpx2

from tests.ports import settled_port
from tests.stores import Store
from tests.waiting import until


class Site:
    """The address of a running server, and an editor's hand on it."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self.port = settled_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = secrets.token_urlsafe(32)
        self._folder = folder
        self._process: Process | None = None
        self._client = httpx2.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"})

    async def open(self) -> None:
        await self.store.start_soon()
        await self.start()

    async def close(self) -> None:
        await self._client.aclose()
        await self.kill()
        self.store.kill()

    async def start(self) -> None:
        settings = {
            "LIVEFEED_REDIS_URL": self.store.url,
            "LIVEFEED_DATA_DIR": str(self._folder / "data"),
            "LIVEFEED_ADMIN_KEY": self.key,
            "LIVEFEED_PUBLISH_RATE": "10000",
            "LIVEFEED_PUBLISH_BURST": "10000",
        }
        command = [sys.executable, "-m", "livefeed", "serve", "--port", str(self.port)]
        self._process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **settings}, stdin=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
        await until(self._is_ready, timeout=30)

    async def _is_ready(self) -> bool:
        try:
            return (await self._client.get("/readyz")).status_code == 200
        except httpx2.TransportError:
            return False

    async def kill(self) -> None:
        """As a crash ends it, with all its workers."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            await self._process.wait()
            self._process = None

    async def stop(self) -> None:
        """As an operator stops it: it says goodbye to its readers."""
        assert self._process is not None
        self._process.terminate()
        await self._process.wait()
        self._process = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        # Each worker has a session of its own: they are the supervisor's children.
        pid = self._process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        for one in (pid, *map(int, workers)):
            os.kill(one, number)

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

    async def items(self, feed: str, limit: int = 200) -> list[dict[str, Any]]:
        """All current items, newest first."""
        found: list[dict[str, Any]] = []
        before = ""
        while True:
            page = await self.ask("GET", f"/v1/feeds/{feed}/items?limit={limit}{before}")
            found += page["items"]
            if page["next"] is None:
                return found
            before = f"&before={page['next']}"

    async def readers(self, feed: str) -> int:
        return int((await self.ask("GET", f"/v1/feeds/{feed}"))["readers"])
