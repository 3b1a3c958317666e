"""Wires: how events become bytes for one kind of connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from livefeed.cursors import Cursor
from livefeed.events import Event

__all__ = ["Wire"]


class Wire(Protocol):
    """Turns events into the bytes that go on a connection; the same JSON on every wire."""

    @property
    def name(self) -> str:
        """For metrics and logs: `sse` or `websocket`."""

    def event(self, event: Event, /) -> bytes:
        """The bytes of one log event, made once and kept on the event."""

    def control(self, feed: str, name: str, data: Mapping[str, Any] | bytes, cursor: Cursor | None = None) -> bytes:
        """One of the stream's own events (`hello`, `heartbeat` …).

        *data* is its `data` member, bytes when ready made. *cursor* is given only when the event moves the reader's position.
        """
