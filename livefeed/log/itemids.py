"""The ids of items: version 7 UUIDs (RFC 9562, section 5.7), in the order in which they are made."""

from __future__ import annotations

import os

__all__ = ["ItemIds"]


class ItemIds:
    """Makes ids that sort by their time, and within a millisecond by their order: so lists keep the order of a batch."""

    def __init__(self) -> None:
        self._last = 0

    def make(self, ms: int) -> str:
        """The id of an item made at *ms* (since the epoch). 62 of its bits cannot be guessed."""
        # RFC 9562, section 6.2, method 1: the 12 bits after the time are a counter. When it overflows, or the clock was set
        # back, the time is incremented as part of the counter.
        self._last = max(self._last + 1, ms << 12)
        chance = int.from_bytes(os.urandom(8)) >> 2
        time, number = self._last >> 12, self._last & 0xFFF
        digits = f"{time << 80 | 0x7 << 76 | number << 64 | 0b10 << 62 | chance:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
