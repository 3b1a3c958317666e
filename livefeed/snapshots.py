"""Snapshots: the current items of a feed, as one event of the stream."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from livefeed.cursors import Cursor
from livefeed.holes import Reason

__all__ = ["MAX_SNAPSHOT", "Listing", "Row", "snapshot"]

MAX_SNAPSHOT = 512 * 1024
"""Bytes of a snapshot's data."""


@dataclass(frozen=True, slots=True)
class Row:
    """One current item: *data* as readers see it, and for the desk what only it sees."""

    member: str
    data: bytes
    desk: bytes = b""
    state: str = "usable"


@dataclass(frozen=True, slots=True)
class Listing:
    """Current items, newest first, true for the log position *head*; *next* continues, "" at the end."""

    head: Cursor
    rows: tuple[Row, ...]
    next: str


def snapshot(listing: Listing, reason: Reason | None = None, missed: tuple[int, int] | None = None) -> bytes:
    """The data of a `snapshot`, or with a *reason* of a `reset`; only as many items as fit are in it."""
    items: list[bytes] = []
    size = 0
    for row in listing.rows:
        size += len(row.data) + 1
        # A kibibyte is reserved for the envelope.
        if size > MAX_SNAPSHOT - 1024:
            break
        items.append(row.data)
    complete = len(items) == len(listing.rows)
    following = listing.next if complete else listing.rows[len(items) - 1].member
    rest = {"complete": complete, "next": following or None}
    head: dict[str, object] = {}
    if reason is not None:
        head = {"reason": reason, "missed": {"first": missed[0], "last": missed[1]} if missed else None}
    return orjson.dumps(head)[:-1] + (b"," if head else b"") + b'"items":[' + b",".join(items) + b"]," + orjson.dumps(rest)[1:]
