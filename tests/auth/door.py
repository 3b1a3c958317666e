"""A small application behind the whole door, on a clock that tests can turn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message
from starlette.websockets import WebSocket

from livefeed.auth.answers import refuse
from livefeed.auth.authenticator import REFRESH, Authenticator
from livefeed.auth.cors import CorsMiddleware
from livefeed.auth.endpoints import TICKETS, AuthEndpoints
from livefeed.auth.forwarded import ForwardedMiddleware
from livefeed.auth.headers import HeadersMiddleware, PagePolicy
from livefeed.auth.jwks import KeySet
from livefeed.auth.keys import Keys
from livefeed.auth.middleware import SLOW, AuthMiddleware
from livefeed.auth.origins import Origins
from livefeed.auth.tokens import TokenRules, Tokens
from livefeed.auth.vouchers import Vouchers
from livefeed.counters import Counters
from livefeed.exceptions import RequestError
from livefeed.grants import Caller, Role
from livefeed.limits import Meter, Rate
from livefeed.log.audit import Audit
from livefeed.proxies import TrustedProxies

ADMIN_KEY = "an-admin-key-of-more-than-32-characters"
SECRET = "a-secret-that-signs-tokens-of-32-characters"
NOW = 1_795_435_200.0


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


async def _whoami(request: Request) -> Response:
    caller: Caller = request.scope["livefeed.caller"]
    client = request.client.host if request.client else None
    return JSONResponse({"subject": caller.subject, "by": caller.key_id, "client": client, "scheme": request.url.scheme})


async def _publish(request: Request) -> Response:
    caller: Caller = request.scope["livefeed.caller"]
    caller.require(Role.PUBLISH, request.path_params["feed"])
    request.scope["livefeed.authority"].charge(caller, 1)
    return JSONResponse({}, 201)


async def _page(request: Request) -> Response:
    return HTMLResponse("<!doctype html><title>A page</title>", headers={"cache-control": "public, max-age=60"})


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json({"subject": websocket.scope["livefeed.caller"].subject})
    await websocket.close()


class Problems:
    """What the application makes of errors."""

    async def __call__(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestError)
        messages: list[Message] = []

        async def send(message: Message) -> None:
            messages.append(dict(message))

        await refuse(request.scope, send, error)
        headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        return Response(messages[1]["body"], messages[0]["status"], headers)


@dataclass
class Door:
    """Everything between a request and the application."""

    redis: Redis
    clock: Clock = field(default_factory=Clock)
    origins: Iterable[str] = ()
    proxies: Iterable[str] = ()
    frame_ancestors: Iterable[str] = ()
    jwks: str | None = None
    admin_key: str = ADMIN_KEY
    refresh: float = REFRESH
    slow: float = SLOW
    tickets: Rate = TICKETS

    def __post_init__(self) -> None:
        self.keys = Keys(self.redis, self.admin_key, clock=self.clock)
        self.tokens = Tokens(KeySet(secret=SECRET, source=self.jwks), TokenRules(), clock=self.clock)
        self.audit = Audit(self.redis, Counters())
        self.authenticator = Authenticator(
            self.keys,
            self.tokens,
            Vouchers(self.redis, "session", 3600, clock=self.clock),
            Vouchers(self.redis, "ticket", 30, clock=self.clock),
            Meter(Rate(1, 50)),
            clock=self.clock,
            refresh=self.refresh,
        )
        endpoints = AuthEndpoints(self.authenticator, self.audit, token_lifetime=86_400, tickets=self.tickets, clock=self.clock)
        routes = [
            *endpoints.routes,
            Route("/v1/feeds/{feed}/whoami", _whoami),
            Route("/v1/feeds/{feed}/items", _publish, methods=["POST"]),
            Route("/read/{feed}", _page),
            Route("/desk/{feed}", _page),
            WebSocketRoute("/v1/ws", _socket),
        ]
        inner: ASGIApp = Starlette(routes=routes, exception_handlers={RequestError: Problems()})
        listed = Origins(self.origins)
        inner = AuthMiddleware(inner, self.authenticator, listed, slow=self.slow)
        inner = CorsMiddleware(inner, listed)
        inner = HeadersMiddleware(inner, PagePolicy(self.frame_ancestors))
        self.app: ASGIApp = ForwardedMiddleware(inner, TrustedProxies(self.proxies))

    def client(self, *, base: str = "http://feeds.example", peer: str = "192.0.2.9", **headers: str) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(self.app, client=(peer, 1234))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx2.AsyncClient(transport=transport, base_url=base, headers=named)

    def admin(self, **headers: str) -> httpx2.AsyncClient:
        return self.client(authorization=f"Bearer {ADMIN_KEY}", **headers)

    async def handshake(self, path: str = "/v1/ws", query: str = "", *, scheme: str = "ws", **headers: str) -> tuple[int, Any]:
        """What a WebSocket's handshake is answered: 101 and the first message, or the status of the refusal and its body."""
        named = {"host": "feeds.example", **{name.replace("_", "-"): value for name, value in headers.items()}}
        scope = {
            "type": "websocket",
            "scheme": scheme,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in named.items()],
            "client": ("192.0.2.9", 1234),
            "server": ("127.0.0.1", 80),
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(dict(message))

        await self.app(scope, receive, send)
        if sent[0]["type"] == "websocket.accept":
            return 101, orjson.loads(sent[1]["text"])
        if sent[0]["type"] == "websocket.close":
            return 403, None
        return sent[0]["status"], orjson.loads(sent[1]["body"])
