"""The items' and feeds' endpoints on a real Redis, called as they are served; who is calling is said by the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import orjson
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from livefeed.api.docs.endpoints import Docs
from livefeed.api.feeds import Feeds
from livefeed.api.items import Items
from livefeed.api.listing import Lists
from livefeed.api.problems import HANDLERS
from livefeed.api.publishing import Publishing
from livefeed.counters import Counters
from livefeed.grants import Caller, Role
from livefeed.log.audit import Audit
from livefeed.log.catalog import Catalog
from livefeed.log.connect import inspect
from livefeed.log.editor import Editor
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from tests.api.described import check_response

ADMIN = Caller("admin", {Role.ADMIN: ("*",)})
EDITOR = Caller("editor", {Role.EDIT: ("world",)})
PRODUCER = Caller("producer", {Role.PUBLISH: ("world",)})
CONTRIBUTOR = Caller("contributor", {Role.CONTRIBUTE: ("world",)})
READER = Caller("reader", {Role.READ: ("world",)})
ITEMS = "/v1/feeds/world/items"


class Desk:
    """An application and those who call it."""

    def __init__(self, editor: Editor, audit: Audit, app: ASGIApp) -> None:
        self.editor = editor
        self.audit = audit
        self.app = app
        self.caller = ADMIN

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx2.AsyncClient]:
        transport = httpx2.ASGITransport(self._as_caller, raise_app_exceptions=True)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client

    async def _as_caller(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["livefeed.caller"] = self.caller
        await self.app(scope, receive, send)

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        caller: Caller | None = None,
        content: bytes | None = None,
        **headers: str,
    ) -> httpx2.Response:
        """One request; headers are written with underscores."""
        self.caller = caller or ADMIN
        sent: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            content = orjson.dumps(body)
            sent = {"content-type": "application/json", **sent}
        async with self.client() as client:
            response = await client.request(method, path, content=content, headers=sent)
        if path.startswith("/v1"):
            check_response(response)
        return response

    async def publish(self, **fields: Any) -> dict[str, Any]:
        """A published item."""
        response = await self.ask("POST", ITEMS, {"headline": "Storm", **fields})
        assert response.status_code == 201, response.text
        item: dict[str, Any] = response.json()["item"]
        return item


async def open_desk(redis: Redis, url: str) -> Desk:
    log, items, catalog = EventLog(redis, await inspect(redis, url)), ItemStore(redis), Catalog(redis)
    audit = Audit(redis, Counters())
    editor = Editor(log, items, catalog)
    routes = [
        *Feeds(catalog, audit, lambda _: 0).routes(),
        *Items(Publishing(editor, audit), Lists(items, catalog)).routes(),
        *Docs("1").routes(),
    ]
    desk = Desk(editor, audit, Starlette(routes=routes, exception_handlers=HANDLERS))
    made = await desk.ask("PUT", "/v1/feeds/world", {})
    assert made.status_code == 201
    return desk


def told(response: httpx2.Response, status: int) -> str:
    """The detail of the problem document that *response* must be."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    detail: str = problem["detail"]
    return detail
