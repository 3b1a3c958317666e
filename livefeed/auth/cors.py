"""CORS: pages of any origin may read public feeds; only listed origins may send credentials."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from livefeed.auth.origins import Origins

__all__ = ["CorsMiddleware", "cors_headers"]

_SHARED = ("/v1/feeds", "/static/", "/openapi.json", "/asyncapi.json")
_EXPOSED = (b"access-control-expose-headers", b"ETag, Link, Location, Retry-After")
_READS = b"GET, HEAD"
_READ_HEADERS = b"Authorization, Cache-Control, If-Modified-Since, If-None-Match, Last-Event-ID"
_WRITES = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_WRITE_HEADERS = _READ_HEADERS + b", Content-Type, Idempotency-Key, If-Match"

Pairs = list[tuple[bytes, bytes]]


def cors_headers(origins: Origins, path: str, method: str, origin: str | None) -> Pairs:
    """The headers of an answer to a request from *origin*, which is None where no origin is listed."""
    # With a list of origins, responses differ by origin. Caches must know this even for requests without one.
    vary: Pairs = [(b"vary", b"Origin")] if origins else []
    shared = path.startswith(_SHARED)
    if origin is not None and origin in origins:
        allow: Pairs = [(b"access-control-allow-origin", origin.encode()), (b"access-control-allow-credentials", b"true")]
    elif shared and method in {"GET", "HEAD"}:
        allow = [(b"access-control-allow-origin", b"*")]
    else:
        return vary
    # A page that embeds a script or image of this server sends no Origin.
    return [*allow, *vary, _EXPOSED, (b"cross-origin-resource-policy", b"cross-origin" if shared else b"same-site")]


class CorsMiddleware:
    """Answers preflights, and lists the headers that let a page read the answer.

    `*` is never combined with credentials, which browsers reject as well. Requests of unknown origins with a session cookie
    are rejected earlier (see `origins`).
    """

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        # If no origin is listed, `Origin` only matters for preflights.
        origin = headers.get("origin") if preflight or self._origins else None
        if preflight and origin is not None:
            await self._answer_preflight(scope, send, origin)
            return
        scope.setdefault("livefeed.headers", []).extend(cors_headers(self._origins, scope["path"], scope["method"], origin))
        await self._app(scope, receive, send)

    async def _answer_preflight(self, scope: Scope, send: Send, origin: str) -> None:
        vary = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        answer: Pairs = [(b"vary", vary), (b"content-length", b"0")]
        if origin in self._origins:
            answer += [(b"access-control-allow-origin", origin.encode()), (b"access-control-allow-credentials", b"true")]
            answer += [(b"access-control-allow-methods", _WRITES), (b"access-control-allow-headers", _WRITE_HEADERS)]
        elif scope["path"].startswith(_SHARED):
            answer += [(b"access-control-allow-origin", b"*"), (b"access-control-allow-methods", _READS)]
            answer += [(b"access-control-allow-headers", _READ_HEADERS)]
        answer.append((b"access-control-max-age", b"600"))
        await send({"type": "http.response.start", "status": 204, "headers": answer})
        await send({"type": "http.response.body", "body": b""})
