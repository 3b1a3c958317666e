"""The client address and scheme that trusted proxies report. Needed on other ASGI servers: our own protocol does the same."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from livefeed.proxies import TrustedProxies, is_secure

__all__ = ["ForwardedMiddleware"]

_SECURE = {"http": "https", "websocket": "wss"}


class ForwardedMiddleware:
    """Puts the address and scheme that trusted proxies report into the scope."""

    def __init__(self, app: ASGIApp, proxies: TrustedProxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and self._proxies:
            scope = {**scope, **self._seen(scope)}
        await self._app(scope, receive, send)

    def _seen(self, scope: Scope) -> dict[str, object]:
        peer, _ = scope.get("client") or (None, 0)
        if not self._proxies.trusts(peer):
            return {}
        headers = Headers(scope=scope)
        address = self._proxies.client(peer, headers.getlist("x-forwarded-for"))
        secure = is_secure(headers.getlist("x-forwarded-proto"))
        scheme = _SECURE[scope["type"]] if secure else scope["scheme"]
        return {"client": scope.get("client") if address == peer else (address, 0), "scheme": scheme}
