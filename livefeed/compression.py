"""Compression shared by all readers: no reader has a compressor of its own.

WebSocket: permessage-deflate without context takeover (RFC 7692), so that one compressed frame serves every connection.

Event streams: `Content-Encoding: gzip`, built from blocks that end on a byte boundary (RFC 1951, 3.2.4), so that any sequence of
them is one valid stream. An *independent* block has no back-references and can go anywhere. The blocks of an *epoch* refer to
earlier ones and are half the size, but a reader must get all of them from the epoch's first on, with nothing in between, since
back-references count bytes. A stream ends without gzip's trailer, which would need a checksum for each reader.
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
"""The gzip header (RFC 1952): deflate, no name, no time, unknown system. Sent once, before a connection's first block."""

_SMALL = 4 * 1024
_LARGE = 32 * 1024
_WORTHWHILE = 512
_LEVEL = 6
_LEVEL_OF_LARGE = 1
_EPOCH = 32


def _deflate(data: bytes) -> bytes:
    """An independent block."""
    # Clearing a 32 KiB window costs three times as much as compressing an event; 4 KiB are enough for most.
    window, memory = (-12, 5) if len(data) <= _SMALL else (-15, 8)
    # A snapshot of half a megabyte must not block the event loop.
    level = _LEVEL if len(data) <= _LARGE else _LEVEL_OF_LARGE
    deflater = zlib.compressobj(level, zlib.DEFLATED, window, memory)
    return deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH)


def _store(data: bytes) -> bytes:
    """A stored (uncompressed) block; *data* must be shorter than 64 KiB."""
    return b"\x00" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data


class DeflatedFrames:
    """The WebSocket wire with permessage-deflate. A frame that would not shrink is sent uncompressed."""

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
        # RFC 7692, 7.2.1: the empty block at the end of a flush is removed here and appended again by the receiver.
        return text_frame(_deflate(payload)[:-4], compressed=True)


DEFLATED_FRAMES = DeflatedFrames()


class GzipStream:
    """The `text/event-stream` wire in gzip, made of independent blocks."""

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
    """A sequence of blocks with back-references, sent to the readers that got all of them."""

    def __init__(self) -> None:
        self._deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15, 8)
        self._events = 0

    @property
    def full(self) -> bool:
        """Whether it is time for a new epoch, which readers with independent blocks can join."""
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
        # Our frames use the full 32 KiB window: a client that asks for less gets uncompressed frames.
        known = {"client_max_window_bits", "client_no_context_takeover", "server_no_context_takeover"}
        if set(names) <= known and len(names) == len(set(names)):
            return True
    return False


DEFLATE_ANSWER = b"permessage-deflate; server_no_context_takeover; client_no_context_takeover"
"""Neither side keeps a compression context between messages."""


def inflate(data: bytes, max_size: int) -> bytes:
    """Decompress a client's message, at most *max_size* + 1 bytes of it. Raises `ValueError` if it is not deflate."""
    inflater = zlib.decompressobj(-15)
    try:
        return inflater.decompress(data + b"\x00\x00\xff\xff", max_size + 1)
    except zlib.error as exc:
        raise ValueError(str(exc)) from None
