"""Events: the entries of a feed's log, as sent to readers."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

import orjson

from livefeed.cursors import Cursor

__all__ = ["Event", "EventType", "rfc3339"]


class EventType(StrEnum):
    """What happened. The value is the CloudEvents type."""

    PUBLISHED = "live.item.published"
    UPDATED = "live.item.updated"
    CORRECTED = "live.item.corrected"
    WITHHELD = "live.item.withheld"
    RELEASED = "live.item.released"
    CANCELED = "live.item.canceled"
    PINNED = "live.item.pinned"
    UNPINNED = "live.item.unpinned"
    FLAGGED = "live.item.flagged"
    FEED_OPENED = "live.feed.opened"
    FEED_CLOSED = "live.feed.closed"

    @property
    def removes(self) -> bool:
        """Whether the item's earlier text must be erased before readers are told."""
        return self in (EventType.WITHHELD, EventType.CANCELED)


@lru_cache(maxsize=16)  # a publish says the same time several times
def rfc3339(ms: int) -> str:
    """The time *ms* milliseconds after the epoch, in UTC."""
    seconds, rest = divmod(ms, 1000)  # integers: a float of this magnitude is sometimes off by a millisecond
    # Half the cost of a strftime format; a publish formats several times.
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{rest:03d}Z"


class Event:
    """One entry of a feed's log.

    *data* is encoded JSON on one line: the whole current item, or the tombstone of a withheld or canceled one. *tags* and
    *urgency* are what filters test: every tag (folded) that the item has or ever had, and the lowest urgency that it
    ever had. Feed events have no *item_id* and pass every filter.

    The wires keep the bytes they made in `sse`, `frame`, `gzip` and `deflated`, so an event is encoded once for all its readers.
    """

    __slots__ = (
        "_json",
        "cursor",
        "data",
        "deflated",
        "feed",
        "frame",
        "gzip",
        "item_id",
        "sse",
        "subject",
        "tags",
        "type",
        "urgency",
    )

    def __init__(
        self,
        *,
        cursor: Cursor,
        feed: str,
        type: EventType,  # noqa: A002  # CloudEvents' name
        data: bytes,
        item_id: str = "",
        subject: str = "",
        tags: frozenset[str] = frozenset(),
        urgency: int = 9,
    ) -> None:
        self.cursor = cursor
        self.feed = feed
        self.type = type
        self.data = data
        self.item_id = item_id
        self.subject = subject
        self.tags = tags
        self.urgency = urgency
        self.sse: bytes | None = None
        self.frame: bytes | None = None
        self.gzip: bytes | None = None
        self.deflated: bytes | None = None
        self._json: bytes | None = None

    def __repr__(self) -> str:
        return f"<Event {self.feed} {self.cursor} {self.type} {self.subject or '-'}>"

    @property
    def json(self) -> bytes:
        """The CloudEvents 1.0 object, on one line."""
        if self._json is None:
            envelope = {
                "specversion": "1.0",
                "id": str(self.cursor),
                "source": f"/v1/feeds/{self.feed}",
                "type": self.type.value,
                "time": rfc3339(self.cursor.ms),
            }
            if self.subject:
                envelope["subject"] = self.subject
            # The stored JSON is spliced in: parsing it again would cost more than the rest of a delivery.
            self._json = orjson.dumps(envelope)[:-1] + b',"data":' + self.data + b"}"
        return self._json
