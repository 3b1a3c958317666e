"""The terms of a stream: the server's properties in stream events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from livefeed.cursors import Cursor
from livefeed.events import rfc3339
from livefeed.wires import Wire

__all__ = ["Terms"]


@dataclass(frozen=True, slots=True)
class Terms:
    """The server's *version*, the *heartbeat* (s), the maximum time between two events, and the time (ms since the epoch)."""

    version: str
    heartbeat: int
    now: Callable[[], int]

    def hello(self, feed: str, head: Cursor, resumed: bool | None) -> dict[str, Any]:
        return {
            "feed": feed,
            "head": str(head),
            "resumed": resumed,
            "heartbeat": self.heartbeat,
            "serverTime": rfc3339(self.now()),
            "version": self.version,
        }

    def event(self, wire: Wire, feed: str, name: str, data: Mapping[str, Any] | bytes, cursor: Cursor | None = None) -> bytes:
        """A stream event, encoded by *wire*."""
        return wire.control(feed, name, data, cursor, now=self.now())
