"""Responses without the application: complete HTTP responses after which the connection is closed."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

import orjson

__all__ = ["answer", "come_again", "response_head"]


_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


def response_head(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    lines = [b"HTTP/1.1 %d %b" % (status, _PHRASES.get(status, b"")), *(b"%b: %b" % header for header in headers)]
    head = b"\r\n".join(lines)
    if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1:
        raise ValueError("a header must not contain a line break")
    return head + b"\r\n\r\n"


def answer(status: int, detail: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """A problem document (RFC 9457)."""
    title = HTTPStatus(status).phrase
    body = orjson.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail})
    about: list[tuple[bytes, bytes]] = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    return response_head(status, [*headers, *about]) + body


def come_again(retry_ms: int, headers: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """An event stream that ends immediately. A browser's EventSource only reconnects after a 200."""
    about: list[tuple[bytes, bytes]] = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-store"),
        (b"access-control-allow-origin", b"*"),
        (b"connection", b"close"),
    ]
    return response_head(200, [*headers, *about]) + b"retry: %d\n\n" % retry_ms
