"""The names of the Redis keys of a feed."""

from __future__ import annotations

from hashlib import sha256

__all__ = ["FEEDS", "SCREENS", "Keys"]

FEEDS = "livefeed:feeds"
"""The set of all feeds' names."""

SCREENS = "livefeed:screens"
"""The roster of the screens of all feeds, which one page shows."""


class Keys:
    """The keys of one feed; its name is their hash tag, so that they live in one Cluster slot."""

    __slots__ = ("desk", "desks", "due", "feed", "inbox", "items", "log", "prefix", "rejected", "removed", "timeline")

    def __init__(self, feed: str) -> None:
        self.prefix = f"livefeed:{{{feed}}}:"
        self.log = self.prefix + "log"
        self.feed = self.prefix + "feed"
        self.removed = self.prefix + "removed"
        self.rejected = self.prefix + "rejected"
        self.inbox = self.prefix + "inbox"
        self.timeline = self.prefix + "timeline"
        self.items = self.prefix + "items"
        self.desk = self.prefix + "desk"
        self.due = self.prefix + "due"
        self.desks = self.prefix + "desks"

    def item(self, item_id: str) -> str:
        return f"{self.prefix}item:{item_id}"

    def history(self, item_id: str) -> str:
        return f"{self.prefix}history:{item_id}"

    def held(self, item_id: str) -> str:
        return f"{self.prefix}held:{item_id}"

    def uri(self, uri: str) -> str:
        return f"{self.prefix}uri:{_digest(uri)}"

    def idempotency(self, key: str) -> str:
        return f"{self.prefix}idem:{_digest(key)}"


def _digest(text: str) -> str:
    # Producers choose these texts freely and at any length; key names must stay short.
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]
