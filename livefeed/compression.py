"""Compression once for all readers: no reader has a compressor of its own.

WebSocket: permessage-deflate without context takeover (RFC 7692), so that one compressed frame serves every connection.

Event streams: `Content-Encoding: gzip` by blocks that end on a byte (RFC 1951, 3.2.4), so that what is put together from them
is one valid stream. An *independent* block refers to nothing before it and fits everywhere. The blocks of an *epoch* refer to
each other and are half as long, but who gets one must get all, from the epoch's first, and nothing else between them: a
reference counts bytes backwards. A stream ends without gzip's trailer, which would need a checksum for each reader.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from livefeed.cursors import Cursor
from livefeed.events import Event
from livefeed.eventstream import SSE
from livefeed.frames import text_frame
from livefeed.wires import stream_event

__all__ = [
    "DEFLATED_FRAMES",
    "DEFLATE_ANSWER",
    "GZIP",
    "GZIP_HEADER",
    "DeflatedFrames",
    "Epoch",
    "GzipStream",
    "accepts_deflate",
    "accepts_gzip",
    "inflate",
]

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""RFC 1952: deflate, no name, no time, unknown system. It goes out once, before the first block of a connection."""

_SMALL = 4 * 1024
_LARGE = 32 * 1024
_WORTHWHILE = 512
_LEVEL = 6
_LEVEL_OF_LARGE = 1
_EPOCH = 32


def _deflate(data: bytes) -> bytes:
    """An independent block."""
    # To clear a window of 32 KiB costs three times as much as to compress an event; 4 KiB hold most of them.
    window, memory = (-12, 5) if len(data) <= _SMALL else (-15, 8)
    # A snapshot of half a megabyte must not hold the loop up.
    level = _LEVEL if len(data) <= _LARGE else _LEVEL_OF_LARGE
    deflater = zlib.compressobj(level, zlib.DEFLATED, window, memory)
    return deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH)


def _store(data: bytes) -> bytes:
    """A block that is not compressed; *data* is shorter than 64 KiB."""
    return b"\x00" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data


class DeflatedFrames:
    """The WebSocket wire with permessage-deflate. A frame that would not shrink stays as it is."""

    name = "websocket-deflate"

    def event(self, event: Event, /) -> bytes:
        if event.deflated is None:
            event.deflated = self._frame(event.json)
        return event.deflated

    def control(self, feed: str, name: str, data: Mapping[str, Any] | bytes, cursor: Cursor | None = None, *, now: int) -> bytes:
        return self._frame(stream_event(feed, name, data, cursor, now=now))

    def _frame(self, payload: bytes) -> bytes:
        if len(payload) < _WORTHWHILE:
            return text_frame(payload)
        # RFC 7692, 7.2.1: the empty block that ends a flush is taken off, and the other side puts it back.
        return text_frame(_deflate(payload)[:-4], compressed=True)


DEFLATED_FRAMES = DeflatedFrames()


class GzipStream:
    """The `text/event-stream` wire in gzip, by independent blocks."""

    name = "sse-gzip"

    def event(self, event: Event, /) -> bytes:
        if event.gzip is None:
            event.gzip = _deflate(SSE.event(event))
        return event.gzip

    def control(self, feed: str, name: str, data: Mapping[str, Any] | bytes, cursor: Cursor | None = None, *, now: int) -> bytes:
        block = SSE.control(feed, name, data, cursor, now=now)
        return _store(block) if len(block) < _WORTHWHILE else _deflate(block)


GZIP = GzipStream()


class Epoch:
    """A run of blocks that refer to each other."""

    def __init__(self) -> None:
        self._deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15, 8)
        self._events = 0

    @property
    def full(self) -> bool:
        """Whether it is time to begin another one, so that those who wait outside can come in."""
        return self._events >= _EPOCH

    def block(self, events: Iterable[Event]) -> bytes:
        """The next block."""
        blocks = list(map(SSE.event, events))
        self._events += len(blocks)
        return self._deflater.compress(b"".join(blocks)) + self._deflater.flush(zlib.Z_SYNC_FLUSH)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header names gzip, or everything, and does not refuse it (RFC 9110, 12.5.3)."""
    wanted: dict[str, bool] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        wanted[coding.strip()] = weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return wanted.get("gzip", wanted.get("*", False))


def accepts_deflate(extensions: str) -> bool:
    """Whether a client's `Sec-WebSocket-Extensions` offer permessage-deflate in a form that we can keep to."""
    for offer in extensions.lower().split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        if name != "permessage-deflate":
            continue
        names = [parameter.partition("=")[0].strip() for parameter in parameters]
        # Our frames use the whole window: who cannot keep 32 KiB is told no, and gets plain frames.
        known = {"client_max_window_bits", "client_no_context_takeover", "server_no_context_takeover"}
        if set(names) <= known and len(names) == len(set(names)):
            return True
    return False


DEFLATE_ANSWER = b"permessage-deflate; server_no_context_takeover; client_no_context_takeover"
"""Neither side keeps anything between two messages."""


def inflate(data: bytes, max_size: int) -> bytes:
    """A client's compressed message, or its first *max_size* + 1 bytes. Raises `ValueError` for what is not deflate."""
    inflater = zlib.decompressobj(-15)
    try:
        return inflater.decompress(data + b"\x00\x00\xff\xff", max_size + 1)
    except zlib.error as exc:
        raise ValueError(str(exc)) from None
