"""WebSocket frames (RFC 6455) as a server sends them: the wire, and the frames beside it."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from livefeed.cursors import Cursor
from livefeed.events import Event
from livefeed.wires import stream_event

__all__ = ["FRAMES", "TextFrames", "close_frame", "ping_frame", "pong_frame", "text_frame", "unframe"]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV1 = 0x80, 0x40

NO_STATUS = 1005
"""Stands for a Close frame without a code."""


def _frame(head: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return b"%c%c%b" % (head, size, payload)
    if size < 65536:
        return struct.pack("!BBH", head, 126, size) + payload
    return struct.pack("!BBQ", head, 127, size) + payload


def text_frame(payload: bytes, *, compressed: bool = False) -> bytes:
    """One whole message; *payload* is UTF-8, or its deflated form on a connection that negotiated this."""
    return _frame(FIN | RSV1 | TEXT if compressed else FIN | TEXT, payload)


def ping_frame(payload: bytes = b"") -> bytes:
    return _frame(FIN | PING, payload)


def pong_frame(payload: bytes = b"") -> bytes:
    return _frame(FIN | PONG, payload)


def close_frame(code: int, reason: str = "") -> bytes:
    """A Close frame; a *reason* that does not fit is cut between characters."""
    if code == NO_STATUS:
        return _frame(FIN | CLOSE, b"")
    # RFC 6455, 5.5: a control frame carries 125 bytes at most, two of them are the code.
    text = reason.encode()[:123].decode(errors="ignore").encode()
    return _frame(FIN | CLOSE, struct.pack("!H", code) + text)


def unframe(frames: bytes) -> Iterator[bytes]:
    """The payloads of whole unmasked frames: for servers that frame messages themselves."""
    position = 0
    while position < len(frames):
        size = frames[position + 1]
        position += 2
        if size == 126:
            (size,) = struct.unpack_from("!H", frames, position)
            position += 2
        elif size == 127:
            (size,) = struct.unpack_from("!Q", frames, position)
            position += 8
        yield frames[position : position + size]
        position += size


class TextFrames:
    """The WebSocket wire: one unmasked text frame an event."""

    name = "websocket"

    def event(self, event: Event, /) -> bytes:
        if event.frame is None:
            event.frame = text_frame(event.json)
        return event.frame

    def control(self, feed: str, name: str, data: Mapping[str, Any] | bytes, cursor: Cursor | None = None, *, now: int) -> bytes:
        return text_frame(stream_event(feed, name, data, cursor, now=now))


FRAMES = TextFrames()
