"""Refusals by the middleware: a problem document, or the rejection of a WebSocket handshake."""

from __future__ import annotations

import orjson
from starlette.types import Scope, Send

from livefeed.exceptions import RequestError

__all__ = ["refuse"]


def _headers(error: RequestError, length: int) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(length).encode()),
        (b"cache-control", b"no-store"),
    ]
    if error.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="livefeed", error="invalid_token"'))
    if retry_after := getattr(error, "retry_after", None):
        headers.append((b"retry-after", str(retry_after).encode()))
    return headers


async def refuse(scope: Scope, send: Send, error: RequestError) -> None:
    """Answer with *error*'s problem document."""
    body = orjson.dumps(error.problem())
    prefix = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    if scope["type"] == "websocket" and prefix not in scope.get("extensions", {}):
        # Before the handshake was accepted a server makes a 403 of this, whatever the code.
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    await send({"type": f"{prefix}.start", "status": error.status, "headers": _headers(error, len(body))})
    await send({"type": f"{prefix}.body", "body": body})
