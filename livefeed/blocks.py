"""Blocks: what readers lack who stand at the same position, in bytes made once for all of them."""

from __future__ import annotations

from collections.abc import Iterable

from livefeed.cursors import Cursor
from livefeed.events import Event
from livefeed.filters import Filter
from livefeed.ring import Ring
from livefeed.wires import Wire

__all__ = ["BLOCK_EVENTS", "Blocks", "encode"]

BLOCK_EVENTS = 100
"""Events of one block: enough to join many, few enough that a slow connection says so in between."""

_KEPT = 64
"""Blocks that are kept, of some 100 KiB each."""


def encode(events: Iterable[Event], only: Filter, wire: Wire) -> bytes:
    """What a reader with this filter gets of *events*. Feed events pass every filter."""
    return b"".join([wire.event(event) for event in events if not event.item_id or only.passes(event.tags, event.urgency)])


class Blocks:
    """Blocks of one feed's ring. In a reconnect storm many readers stand at the same position: they share the bytes."""

    def __init__(self, events: int = BLOCK_EVENTS) -> None:
        self.events = events
        self._kept: dict[tuple[Cursor, Filter, Wire], tuple[bytes, Cursor]] = {}

    def after(self, ring: Ring, position: Cursor, only: Filter, wire: Wire) -> tuple[bytes, Cursor]:
        """What follows *position*, which is below the ring's head; and the position after it."""
        key = (position, only, wire)
        block = self._kept.get(key)
        if block is None:
            page = ring.after(position, self.events)
            end = page.end
            assert end is not None, "a position below the head has something after it"
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            block = self._kept[key] = (encode(page.events, only, wire), end)
        return block

    def clear(self) -> None:
        """The ring changed: a block that was short may be longer now, and one may hold what was killed."""
        self._kept.clear()
