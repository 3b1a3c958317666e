"""Cursors: positions in a feed's log, meaning "I have seen everything up to here"."""

from __future__ import annotations

import re
from typing import NamedTuple

from livefeed.exceptions import BadRequest

__all__ = ["BIRTH", "BadCursor", "Cursor"]

# `fullmatch` and explicit ASCII digits: `$` admits a trailing newline, and int() takes "１２" and "1_000".
_CURSOR = re.compile(r"(0|[1-9][0-9]{0,19})-(0|[1-9][0-9]{0,19})")
_MAX = 2**64 - 1


class BadCursor(BadRequest):
    """The text is not a cursor."""


class Cursor(NamedTuple):
    """A position in one feed's log: the Redis stream id of the last event seen.

    Tuples compare as stream ids do: by `ms`, the time of the append in milliseconds since the epoch, then by `seq`, the dense
    number of the event in its feed. Two cursors of one unbroken log are in the order of their `seq`.
    """

    ms: int
    seq: int

    @classmethod
    def parse(cls, text: str) -> Cursor:
        match = _CURSOR.fullmatch(text)
        if match is None or (ms := int(match[1])) > _MAX or (seq := int(match[2])) > _MAX:
            raise BadCursor(f"{text[:40]!r} is not a cursor: use one from an event or a list, unchanged")
        return cls(ms, seq)

    @classmethod
    def of_entry(cls, entry_id: bytes) -> Cursor:
        """The cursor of a Redis stream entry, from its id."""
        ms, _, seq = entry_id.partition(b"-")
        return cls(int(ms), int(seq))

    def __str__(self) -> str:
        return f"{self.ms}-{self.seq}"


BIRTH = Cursor(0, 0)
"""The position before a feed's first event."""
