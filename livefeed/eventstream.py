"""Server-sent events: the encoder (a wire) and the parser.

The rules are WHATWG HTML, 9.2 "Server-sent events". Neither half does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from livefeed.cursors import Cursor
from livefeed.events import Event
from livefeed.wires import stream_event

__all__ = ["SSE", "EventStream", "EventStreamParser", "EventTooLarge", "ServerSentEvent", "sse_block"]


def _one_line(json: bytes) -> bytes:
    # A raw line break in JSON is only whitespace between tokens, but on the wire it would end the field.
    if b"\n" in json or b"\r" in json:
        return json.translate(bytes.maketrans(b"\r\n", b"  "))
    return json


def sse_block(data: bytes, *, cursor: Cursor | None = None, event: str = "", retry_ms: int | None = None) -> bytes:
    """One block of an event stream; *data* is JSON."""
    head = b"event: %b\n" % event.encode() if event else b""
    if cursor is not None:
        head += b"id: %d-%d\n" % cursor
    if retry_ms is not None:
        head += b"retry: %d\n" % retry_ms
    return b"%bdata: %b\n\n" % (head, _one_line(data))


class EventStream:
    """The `text/event-stream` wire."""

    name = "sse"

    def event(self, event: Event, /) -> bytes:
        if event.sse is None:
            event.sse = sse_block(event.json, cursor=event.cursor)
        return event.sse

    def control(self, feed: str, name: str, data: Mapping[str, Any] | bytes, cursor: Cursor | None = None, *, now: int) -> bytes:
        """A named event. A `retryMs` member of *data* is also sent as `retry:`, which browsers honour on their own."""
        retry_ms = data.get("retryMs") if isinstance(data, Mapping) else None
        return sse_block(stream_event(feed, name, data, cursor, now=now), cursor=cursor, event=name, retry_ms=retry_ms)


SSE = EventStream()


class EventTooLarge(ValueError):
    """The server sent an event that is longer than the parser's limit."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One dispatched event: what a browser's EventSource hands to its listeners."""

    data: str
    type: str = "message"
    last_event_id: str = ""


_LINE_END = re.compile(rb"\r\n|\n|\r")


class EventStreamParser:
    """Turns the chunks of a response body into events.

    `last_event_id` is what to send as `Last-Event-ID` when the connection is lost; `retry_ms` is the server's last `retry:`.
    An incomplete event at the end of the stream is never dispatched.
    """

    def __init__(self, *, last_event_id: str = "", max_size: int = 4 * 1024 * 1024) -> None:
        self.last_event_id = last_event_id
        self.retry_ms: int | None = None
        self._max_size = max_size
        self._id = last_event_id
        self._type = ""
        self._data: list[str] = []
        self._partial: list[bytes] = []
        self._size = 0
        self._kept = 0
        self._at_start = True
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that *chunk* completes. Raises `EventTooLarge`."""
        if self._after_cr and chunk:
            # The last chunk ended with CR; an LF at the start of this one belongs to the same line end.
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        start = 0
        events: list[ServerSentEvent] = []
        for end in _LINE_END.finditer(chunk):
            self._count(end.start() - start)
            self._partial.append(chunk[start : end.start()])
            start = end.end()
            event = self._line(b"".join(self._partial))
            self._partial.clear()
            if event is not None:
                events.append(event)
        self._after_cr = start == len(chunk) and chunk.endswith(b"\r")
        if start < len(chunk):
            self._count(len(chunk) - start)
            self._partial.append(chunk[start:])
        return events

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._max_size:
            raise EventTooLarge(f"an event of the stream is longer than {self._max_size} bytes")

    def _line(self, line: bytes) -> ServerSentEvent | None:
        self._size = self._kept
        if self._at_start:
            line = line.removeprefix(b"\xef\xbb\xbf")
            self._at_start = False
        if not line:
            return self._dispatch()
        field, _, value = line.decode("utf-8", "replace").partition(":")
        self._field(field, value.removeprefix(" "))
        return None

    def _field(self, field: str, value: str) -> None:
        if field == "data":
            self._data.append(value)
            self._kept += len(value)
            self._size = self._kept
        elif field == "event":
            self._type = value
        elif field == "id":
            if "\0" not in value:
                self._id = value
        elif field == "retry" and value.isascii() and value.isdigit() and len(value) <= 15:
            self.retry_ms = int(value)

    def _dispatch(self) -> ServerSentEvent | None:
        self.last_event_id = self._id
        data, self._data = self._data, []
        event_type, self._type = self._type or "message", ""
        self._size = self._kept = 0
        return ServerSentEvent("\n".join(data), event_type, self.last_event_id) if data else None
