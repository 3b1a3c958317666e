"""The ring: a feed's most recent events, in one worker's memory."""

from __future__ import annotations

from livefeed.cursors import Cursor
from livefeed.events import Event
from livefeed.holes import Page

__all__ = ["RING_EVENTS", "Ring"]

RING_EVENTS = 2_048
"""Events of one feed in a worker's memory: at the 20 a second of a busy night, almost two minutes of reconnects."""


class Ring:
    """Events in log order, dense from just after `base` to `head`.

    A number whose event was removed keeps its place, and its id: cursors on removed events stay good. Whether a position is in
    the ring is a question of equality, never of order: another branch of history may have the same numbers.
    """

    def __init__(self, base: Cursor, *, max_events: int = RING_EVENTS, max_bytes: int = 4 * 1024 * 1024) -> None:
        self.base = base
        self.max_events = max_events
        self.max_bytes = max_bytes
        self._slots: list[Event | Cursor] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def head(self) -> Cursor:
        return _id(self._slots[-1]) if self._slots else self.base

    def __contains__(self, position: Cursor | None) -> bool:
        """Whether *position* is exactly the base or exactly an event here, removed or not."""
        if position is None:
            return False
        number = position.seq - self.base.seq
        if number == 0:
            return position == self.base
        return 0 < number <= len(self._slots) and _id(self._slots[number - 1]) == position

    def after(self, position: Cursor, limit: int) -> Page:
        """At most *limit* numbers that follow *position*, which must be here."""
        start = position.seq - self.base.seq
        slots = self._slots[start : start + limit]
        return Page(
            tuple(slot for slot in slots if isinstance(slot, Event)), tuple(slot for slot in slots if isinstance(slot, Cursor))
        )

    def extend(self, page: Page) -> None:
        """Append what follows the head."""
        slots = _slots(page)
        for number, slot in enumerate(slots, self.head.seq + 1):
            assert _id(slot).seq == number, "a ring is dense"
        self._slots += slots
        self._bytes += sum(len(event.data) for event in page.events)
        # Cutting a quarter at a time keeps the cost of one event constant.
        if len(self._slots) > self.max_events * 5 // 4 or self._bytes > self.max_bytes * 5 // 4:
            self._cut()

    def prepend(self, position: Cursor, page: Page) -> None:
        """Keep what follows *position* up to the base, if *page*, which was read from the log there, reaches the base.

        A worker that starts in a reconnect storm has heard nothing yet: it would read the log again for each turn's readers.
        """
        count = self.base.seq - position.seq
        slots = _slots(page)[:count] if count > 0 else []
        size = sum(map(_size, slots))
        full = len(self._slots) + count > self.max_events or self._bytes + size > self.max_bytes
        if full or len(slots) < count or not slots or _id(slots[-1]) != self.base:
            return
        self.base = position
        self._slots[:0] = slots
        self._bytes += size

    def _cut(self) -> None:
        cut = max(len(self._slots) - self.max_events, 0)
        size = self._bytes - sum(_size(slot) for slot in self._slots[:cut])
        while size > self.max_bytes and cut < len(self._slots):
            size -= _size(self._slots[cut])
            cut += 1
        if cut:
            self.base = _id(self._slots[cut - 1])
            del self._slots[:cut]
        self._bytes = size

    def erase(self, item_id: str, before: Cursor) -> None:
        """Erase all events of an item before the event *before*."""
        for number, slot in enumerate(self._slots):
            if isinstance(slot, Event) and slot.item_id == item_id and slot.cursor.seq < before.seq:
                self._slots[number] = slot.cursor
                self._bytes -= len(slot.data)


def _slots(page: Page) -> list[Event | Cursor]:
    slots: list[Event | Cursor] = [*page.events, *page.removed]
    if page.removed:
        slots.sort(key=lambda slot: _id(slot).seq)
    return slots


def _id(slot: Event | Cursor) -> Cursor:
    return slot.cursor if isinstance(slot, Event) else slot


def _size(slot: Event | Cursor) -> int:
    return len(slot.data) if isinstance(slot, Event) else 0
