"""Wires: the encoding of events for one kind of connection."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from livefeed.cursors import Cursor
from livefeed.events import Event, rfc3339

__all__ = ["Wire", "stream_event"]


class Wire(Protocol):
    """Encodes events for a connection; the JSON is the same on every wire."""

    @property
    def name(self) -> str:
        """For metrics and logs: `sse` or `websocket`."""

    def event(self, event: Event, /) -> bytes:
        """The bytes of one log event, encoded once and cached on the event."""

    def control(self, feed: str, name: str, data: Mapping[str, Any] | bytes, cursor: Cursor | None = None, *, now: int) -> bytes:
        """A stream event (`hello`, `heartbeat` …).

        *data* is its `data` member, bytes when ready made. *cursor* is given only when the event moves the reader's position.
        *now* is the time in milliseconds since the epoch.
        """


def stream_event(feed: str, name: str, data: Mapping[str, Any] | bytes, cursor: Cursor | None = None, *, now: int) -> bytes:
    """The CloudEvents object of a stream event, on one line.

    Its `id` identifies this message and is not a log position; only the member `cursor` is.
    """
    envelope = {
        "specversion": "1.0",
        "id": f"{name}-{secrets.token_hex(8)}",
        "source": f"/v1/feeds/{feed}",
        "type": f"live.stream.{name}",
        "time": rfc3339(now),
    }
    if cursor is not None:
        envelope["cursor"] = str(cursor)
    ready = data if isinstance(data, bytes) else orjson.dumps(data)
    return orjson.dumps(envelope)[:-1] + b',"data":' + ready + b"}"
