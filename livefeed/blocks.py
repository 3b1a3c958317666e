"""Blocks: the encoded events after a position, shared by all readers that catch up from there."""

from __future__ import annotations

from collections.abc import Iterable

from livefeed.cursors import Cursor
from livefeed.events import Event
from livefeed.filters import Filter
from livefeed.ring import Ring
from livefeed.wires import Wire

__all__ = ["BLOCK_EVENTS", "Blocks", "encode"]

BLOCK_EVENTS = 100
"""Events in one block: enough to save writes, few enough for a slow connection to push back in between."""

_KEPT = 64
"""Cached blocks, of about 100 KiB each."""


def encode(events: Iterable[Event], only: Filter, wire: Wire) -> bytes:
    """Those of *events* that pass the filter *only*, encoded for *wire*. Feed events pass every filter."""
    return b"".join([wire.event(event) for event in events if not event.item_id or only.passes(event.tags, event.urgency)])


class Blocks:
    """A cache of blocks of one feed's ring: in a reconnect storm many readers resume from the same position."""

    def __init__(self, events: int = BLOCK_EVENTS) -> None:
        self.events = events
        self._kept: dict[tuple[Cursor, Filter, Wire], tuple[bytes, Cursor]] = {}

    def after(self, ring: Ring, position: Cursor, only: Filter, wire: Wire) -> tuple[bytes, Cursor]:
        """The block after *position*, which must be below the ring's head, and the position at its end."""
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
        """Drop all blocks, because the ring changed: one may be incomplete now, or contain text that was killed."""
        self._kept.clear()
