"""`/openapi.json`, `/asyncapi.json`, and `/docs`, which shows them without fetching anything from elsewhere."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from importlib import resources

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from livefeed.api.docs.asyncapi import asyncapi
from livefeed.api.docs.openapi import openapi
from livefeed.api.requests import JSON, is_unchanged

__all__ = ["Docs"]

_FILES = {
    "/docs": ("page.html", "text/html; charset=utf-8"),
    "/docs/page.css": ("page.css", "text/css; charset=utf-8"),
    "/docs/page.js": ("page.js", "text/javascript; charset=utf-8"),
}


class Docs:
    """*version* is the server's own. Everything is made once and never changes while the server runs."""

    def __init__(self, version: str) -> None:
        folder = resources.files(__package__)
        self._served = {path: ((folder / name).read_bytes(), kind) for path, (name, kind) in _FILES.items()}
        self._served["/openapi.json"] = (orjson.dumps(openapi(version)), JSON)
        self._served["/asyncapi.json"] = (orjson.dumps(asyncapi(version)), JSON)

    def routes(self) -> list[Route]:
        return [Route(path, partial(self.get, body, kind), methods=["GET"]) for path, (body, kind) in self._served.items()]

    async def get(self, body: bytes, kind: str, request: Request) -> Response:
        etag = f'"{sha256(body).hexdigest()[:16]}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache", "Content-Type": kind}
        if is_unchanged(request, etag):
            return Response(status_code=304, headers={"ETag": etag, "Cache-Control": "no-cache"})
        return Response(body, headers=headers)
