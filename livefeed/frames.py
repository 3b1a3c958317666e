"""WebSocket frames as a server sends them (RFC 6455): the encoder of events (a wire) and the control frames."""

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
"""The code that stands for a Close frame without one."""


def _frame(head: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return b"%c%c%b" % (head, size, payload)
    if size < 65536:
        return struct.pack("!BBH", head, 126, size) + payload
    return struct.pack("!BBQ", head, 127, size) + payload


def text_frame(payload: bytes, *, compressed: bool = False) -> bytes:
    """One unfragmented message; *payload* is UTF-8, deflated if *compressed*."""
    return _frame(FIN | RSV1 | TEXT if compressed else FIN | TEXT, payload)


def ping_frame(payload: bytes = b"") -> bytes:
    return _frame(FIN | PING, payload)


def pong_frame(payload: bytes = b"") -> bytes:
    return _frame(FIN | PONG, payload)


def close_frame(code: int, reason: str = "") -> bytes:
    """A Close frame; a *reason* that is too long is cut between characters."""
    if code == NO_STATUS:
        return _frame(FIN | CLOSE, b"")
    # RFC 6455, 5.5: a control frame carries at most 125 bytes, two of which are the code.
    text = reason.encode()[:123].decode(errors="ignore").encode()
    return _frame(FIN | CLOSE, struct.pack("!H", code) + text)


def unframe(frames: bytes) -> Iterator[bytes]:
    """The payloads of complete unmasked *frames*, for ASGI servers that do the framing themselves."""
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
    """The WebSocket wire: one unmasked text frame per event."""

    name = "websocket"

    def event(self, event: Event, /) -> bytes:
        if event.frame is None:
            event.frame = text_frame(event.json)
        return event.frame

    def control(self, feed: str, name: str, data: Mapping[str, Any] | bytes, cursor: Cursor | None = None, *, now: int) -> bytes:
        return text_frame(stream_event(feed, name, data, cursor, now=now))


FRAMES = TextFrames()
