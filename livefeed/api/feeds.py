"""The endpoints of feeds and their settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from livefeed.api.requests import JSON, caller_of, is_unchanged, media_type, read_json
from livefeed.feeds import FeedSettings, Retention, check_feed_name
from livefeed.grants import Role
from livefeed.items.rules import Flag, Integer, Language, Link, Rule, Schema, Text
from livefeed.items.shapes import Record
from livefeed.log.audit import Audit
from livefeed.log.catalog import Catalog, Feed
from livefeed.queries import Query

__all__ = ["SETTINGS", "Feeds"]

MAX_SETTINGS = 64 * 1024
_YEAR = 366 * 86_400


@dataclass(frozen=True, slots=True)
class _Optional:
    """Treat empty strings as unset, as responses do, so that a response can be sent back in a PUT."""

    rule: Rule

    def check(self, value: object, at: str) -> Any:
        return "" if value == "" else self.rule.check(value, at)

    def schema(self) -> Schema:
        return {"anyOf": [{"const": ""}, self.rule.schema()]}


_RETENTION = Record(
    {
        "events": Integer(1, 100_000_000),
        "age": Integer(1, 20 * _YEAR),
        "bytes": Integer(64 * 1024, 2**40),
        "items": Integer(1, 100_000_000),
    },
    Retention,
)

SETTINGS = Record(
    {
        "title": Text(200),
        "description": Text(1000),
        "language": _Optional(Language()),
        "homePage": _Optional(Link()),
        "open": Flag(),
        "public": Flag(),
        "retention": _RETENTION,
    },
    FeedSettings,
    foreign=dict.fromkeys(("name", "head", "readers"), "is set by the server: omit it"),
)
"""The rules for feed settings."""


class Feeds:
    """*readers* returns the number of live readers of a feed."""

    def __init__(self, catalog: Catalog, audit: Audit, readers: Callable[[str], int]) -> None:
        self._catalog = catalog
        self._audit = audit
        self._readers = readers

    def routes(self) -> list[Route]:
        return [
            Route("/v1/feeds", self.list, methods=["GET"]),
            Route("/v1/feeds/{feed}", self.get, methods=["GET"]),
            Route("/v1/feeds/{feed}", self.put, methods=["PUT"]),
            Route("/v1/feeds/{feed}", self.delete, methods=["DELETE"]),
        ]

    async def list(self, request: Request) -> Response:
        Query(request.scope["query_string"], ())
        caller = caller_of(request)
        found = await self._catalog.get_many(await self._catalog.names())
        readable = [feed for feed in found if feed and (feed.settings.public or caller.may(Role.READ, feed.name))]
        shown = [
            {
                "name": feed.name,
                "title": feed.settings.title,
                "head": str(feed.head),
                "readers": self._readers(feed.name),
                "open": feed.settings.open,
            }
            for feed in readable
        ]
        return Response(orjson.dumps({"feeds": shown}), media_type=JSON, headers={"Cache-Control": "no-store"})

    async def get(self, request: Request) -> Response:
        Query(request.scope["query_string"], ())
        feed = await self._catalog.get(check_feed_name(request.path_params["feed"]))
        if not feed.settings.public:
            caller_of(request).require(Role.READ, feed.name)
        etag = f'W/"{feed.revision}-{feed.head}"'  # weak: the number of readers is not part of it
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if is_unchanged(request, etag):
            return Response(status_code=304, headers=headers)
        return Response(self._shown(feed), media_type=JSON, headers=headers)

    async def put(self, request: Request) -> Response:
        """Create or replace a feed's settings. Omitted ones get their defaults."""
        name = check_feed_name(request.path_params["feed"])
        caller_of(request).require(Role.ADMIN, name)
        Query(request.scope["query_string"], ())
        media_type(request, (JSON,))
        settings = SETTINGS.check(await read_json(request, MAX_SETTINGS), "")
        made, cursor = await self._catalog.put(name, settings)
        action = "feed.made" if made else "feed.changed"
        self._audit.record(action, caller_of(request), feed=name, cursor=str(cursor or ""))
        headers = {"Cache-Control": "no-store", **({"Location": f"/v1/feeds/{name}"} if made else {})}
        return Response(self._shown(await self._catalog.get(name)), 201 if made else 200, headers, JSON)

    async def delete(self, request: Request) -> Response:
        """Delete a feed. Its last cursor is kept, so that sequence numbers continue if it is created again."""
        name = check_feed_name(request.path_params["feed"])
        caller_of(request).require(Role.ADMIN, name)
        Query(request.scope["query_string"], ())
        cursor = await self._catalog.delete(name)
        self._audit.record("feed.deleted", caller_of(request), feed=name, cursor=str(cursor))
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    def _shown(self, feed: Feed) -> bytes:
        told = {"name": feed.name, "head": str(feed.head), "readers": self._readers(feed.name)}
        return orjson.dumps(told | msgspec.to_builtins(feed.settings))
