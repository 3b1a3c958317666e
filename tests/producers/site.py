"""A web site whose documents a test can change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.serving import serving

__all__ = ["Site", "serving"]


@dataclass
class Site:
    pages: dict[str, bytes] = field(default_factory=dict)
    validators: bool = False
    asked: list[tuple[str, int]] = field(default_factory=list)
    url: str = ""

    async def page(self, request: Request) -> Response:
        name = request.path_params["name"]
        body = self.pages.get(name)
        etag = f'"{sha256(body or b"").hexdigest()}"'
        status = 404 if body is None else 304 if self.validators and request.headers.get("if-none-match") == etag else 200
        self.asked.append((name, status))
        headers = {"ETag": etag} if self.validators else {}
        return Response(body if status == 200 else b"", status, headers=headers, media_type="text/xml")


@asynccontextmanager
async def open_site(site: Site) -> AsyncIterator[Site]:
    async with serving(Starlette(routes=[Route("/{name}", site.page)])) as site.url:
        yield site
