"""A log in memory that answers as the real one promises to: what a worker reads from in the simulation."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import orjson

from livefeed.cursors import Cursor
from livefeed.events import Event, EventType
from livefeed.filters import Filter
from livefeed.holes import Continuation, Hole, NoFeed, Page
from livefeed.snapshots import Listing, Row
from tests.promises.history import ROOT, Branch, Fate, Told
from tests.promises.truth import Given

__all__ = ["ToyLog"]

TAGS = ("a", "b", "c")


class ToyLog:
    """One feed, all its histories, and what each read of it was told."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.branch = Branch()
        self.state = "made"
        self.known: dict[Cursor, Told] = {ROOT.cursor: ROOT}
        self.of_text: dict[str, Told] = {}
        self.given = Given()
        self._saved: list[Branch] = []
        self._ms = 1_000
        self._count = 0

    # -- what is done to it

    def _append(self, item: str, tags: frozenset[str], urgency: int, *, erases: bool = False) -> Told:
        self._ms += 1
        self._count += 1
        branch = self.branch
        branch.mend()
        cursor = Cursor(self._ms, branch.last.seq + 1)
        told = Told(cursor, branch.last, item, f"text{self._count}.", tags, urgency, erases)
        branch.append(told)
        self.known[cursor] = self.of_text[told.text] = told
        return told

    def publish(self) -> None:
        if self.state == "made":
            tags = frozenset(self.random.sample(TAGS, self.random.randrange(3)))
            self._append(f"item{self._count}", tags, self.random.randint(1, 9))

    def _shown(self) -> dict[str, Told]:
        """The items as they are now, oldest first."""
        shown: dict[str, Told] = {}
        for told in self.branch.line[1:]:
            shown.pop(told.item, None)
            if not told.erases:
                shown[told.item] = told
        return shown

    def update(self) -> None:
        shown = list(self._shown().values())
        if shown and self.state == "made":
            old = self.random.choice(shown)
            more = frozenset(self.random.sample(TAGS, 1))
            self._append(old.item, old.tags | more, min(old.urgency, self.random.randint(1, 9)))

    def kill(self) -> None:
        shown = list(self._shown().values())
        if shown and self.state == "made":
            old = self.random.choice(shown[-4:])
            self.branch.remove_before(self._append(old.item, old.tags, old.urgency, erases=True))

    def trim(self) -> None:
        kept = self.branch.kept()
        if len(kept) > 1 and self.state == "made":
            self.branch.mend()
            kept = self.branch.kept()
            if kept:
                self.branch.trim_to(self.random.choice(kept[: len(kept) // 2 + 1]))

    def damage(self) -> None:
        """A stranger deletes an entry, or the whole stream."""
        kept = self.branch.kept()
        for told in kept if self.random.random() < 0.3 else kept[:1] and [self.random.choice(kept)]:
            self.branch.lose(told)

    def save(self) -> None:
        if self.state == "made":
            self._saved.append(self.branch.copy())

    def fail_over(self) -> None:
        """An older history takes over."""
        if self._saved:
            self.branch, self.state = self.random.choice(self._saved).copy(), "made"

    def flush(self) -> None:
        self.branch, self.state = Branch(), "none"

    def make(self) -> None:
        self.state = "made"

    def delete(self) -> None:
        if self.state == "made":
            self.branch.trim_to(self.branch.last)
            self.state = "deleted"

    # -- what it answers

    def text_of(self, item: Mapping[str, Any]) -> str:
        return str(item["text"])

    def head(self) -> Cursor | None:
        return self.branch.last.cursor if self.state == "made" else None

    def read(self, position: Cursor, limit: int) -> Continuation:
        if self.state != "made":
            self.given.lost_feeds += self.state == "none"
            return NoFeed(deleted=self.state == "deleted")
        told = self.known.get(position)
        if told is None or not self.branch.holds(told):
            return self.given.hole(position, Hole("lost" if position.seq > self.branch.floor.seq else "trimmed"))
        following = self.branch.until_missing(told)
        missing = self.branch.missing(told)
        if (told is not ROOT and not self.branch.provable(told)) or (missing and not following):
            return self.given.hole(position, Hole("trimmed", (told.seq + 1, missing[-1]) if missing else None))
        events: list[Event] = []
        removed: list[Cursor] = []
        for each in following:
            if len(events) == limit:
                break
            if self.branch.fates[each] is Fate.KEPT:
                events.append(self._event(each))
            else:
                removed.append(each.cursor)
        return Page(tuple(events), tuple(removed))

    def _event(self, told: Told) -> Event:
        return Event(
            cursor=told.cursor,
            feed="world",
            type=EventType.WITHHELD if told.erases else EventType.PUBLISHED,
            data=orjson.dumps({"text": told.text}),
            item_id=told.item,
            tags=told.tags,
            urgency=told.urgency,
        )

    def newest(self, items: int, only: Filter) -> Listing | NoFeed:
        if self.state != "made":
            self.given.lost_feeds += 1
            return NoFeed()
        shown = [told for told in reversed(self._shown().values()) if told.passes(only)][:items]
        self.given.listings.add((self.branch.last.cursor, items, only, tuple(told.text for told in shown)))
        rows = tuple(Row(told.text, orjson.dumps({"text": told.text})) for told in shown)
        return Listing(self.branch.last.cursor, rows, "")
