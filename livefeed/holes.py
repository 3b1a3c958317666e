"""The results of reading a log from a position: a page of events, a hole, or no feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from livefeed.cursors import Cursor
from livefeed.events import Event

__all__ = ["Continuation", "Hole", "NoFeed", "Page", "Reason"]

Reason = Literal["trimmed", "lost", "unknown"]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything after a position, up to some sequence number: *events* and the ids of *removed* ones, together dense."""

    events: tuple[Event, ...]
    removed: tuple[Cursor, ...] = ()

    @property
    def end(self) -> Cursor | None:
        """The position at the end of the page; None when it is empty."""
        ends = [part.cursor for part in self.events[-1:]] + list(self.removed[-1:])
        return max(ends, key=lambda cursor: cursor.seq, default=None)


@dataclass(frozen=True, slots=True)
class Hole:
    """The position cannot be continued exactly. *missed* are the first and last missing sequence numbers, if known."""

    reason: Literal["trimmed", "lost"]
    missed: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class NoFeed:
    """There is no such feed. *deleted*: it was deleted through the API, not lost."""

    deleted: bool = False


Continuation = Page | Hole | NoFeed
