"""Tags and filters: which items a reader wants."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["MAX_TAG", "Filter", "fold_tag"]

MAX_TAG = 64
"""Characters."""


def fold_tag(tag: str) -> str:
    """The form in which tags are compared: NFC, stripped, case-folded.

    Folding can undo composition, hence the second normalisation (Unicode 15, D145).
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", tag).strip().casefold())


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects items with any of *tags* (folded; empty: all items) that are at least as urgent as *urgency* (1: most urgent)."""

    tags: frozenset[str] = frozenset()
    urgency: int | None = None

    ALL: ClassVar[Filter]

    def passes(self, tags: frozenset[str], urgency: int) -> bool:
        if self.tags and self.tags.isdisjoint(tags):
            return False
        return self.urgency is None or urgency <= self.urgency


Filter.ALL = Filter()
