"""What workers and clients know of a log: one in memory, or a real one beside its model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from livefeed.cursors import Cursor
from livefeed.filters import Filter
from livefeed.holes import Continuation, Hole, NoFeed, Reason
from livefeed.snapshots import Listing
from tests.promises.history import Branch, Told

__all__ = ["Given", "Truth"]


class Given:
    """Every answer that was given, by which clients judge what they are told of it."""

    def __init__(self) -> None:
        self.clock = 1_000
        """ms; what the server takes for the time."""
        self.holes: list[tuple[Cursor, Reason, tuple[int, int] | None]] = []
        self.listings: set[tuple[Cursor, int, Filter, tuple[str, ...]]] = set()
        self.lost_feeds = 0

    def hole(self, position: Cursor, hole: Hole) -> Hole:
        self.holes.append((position, hole.reason, hole.missed))
        return hole


class Truth(Protocol):
    """A feed's log: what it answers, and what really happened to it."""

    given: Given

    @property
    def branch(self) -> Branch: ...

    @property
    def known(self) -> Mapping[Cursor, Told]:
        """Every event of every history."""
        ...

    @property
    def of_text(self) -> Mapping[str, Told]: ...

    def text_of(self, item: Mapping[str, Any]) -> str:
        """What tells one version of an item from all others; "" where it says nothing any more."""
        ...

    def head(self) -> Cursor | None: ...

    def read(self, position: Cursor, limit: int) -> Continuation: ...

    def newest(self, items: int, only: Filter) -> Listing | NoFeed: ...
