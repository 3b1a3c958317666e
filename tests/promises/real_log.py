"""A real log as workers read it: every answer is judged before they get it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from livefeed.cursors import Cursor
from livefeed.exceptions import NotFound
from livefeed.filters import Filter
from livefeed.holes import Continuation, Hole, NoFeed
from livefeed.snapshots import Listing
from tests.promises.history import Branch, Told
from tests.promises.log_world import FEED
from tests.promises.strangers import World
from tests.promises.truth import Given

__all__ = ["RealLog"]


class RealLog:
    """*world*'s log."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.given = Given()
        self._known: dict[Cursor, Told] = {}
        self._of_text: dict[str, Told] = {}
        self._taken = 0

    @property
    def branch(self) -> Branch:
        return self.world.branch

    @property
    def known(self) -> Mapping[Cursor, Told]:
        self._catch_up()
        return self._known

    @property
    def of_text(self) -> Mapping[str, Told]:
        self._catch_up()
        return self._of_text

    def _catch_up(self) -> None:
        for told in self.world.seen[self._taken :]:
            self._known[told.cursor] = self._of_text[told.text] = told
        self._taken = len(self.world.seen)

    def text_of(self, item: Mapping[str, Any]) -> str:
        return str(item.get("headline", ""))

    def head(self) -> Cursor | None:
        return self.world.run(self.world.log.head(FEED))

    def read(self, position: Cursor, limit: int) -> Continuation:
        told = self.known.get(position) or Told(position, None)
        answer = self.world.ask(told, limit)
        self.world.judge(told, answer, limit)
        match answer:
            case Hole():
                return self.given.hole(position, answer)
            case NoFeed(deleted):
                self.given.lost_feeds += not deleted
        return answer

    def newest(self, items: int, only: Filter) -> Listing | NoFeed:
        try:
            listing = self.world.run(self.world.items.newest(FEED, items, only=only))
        except NotFound:
            self.given.lost_feeds += 1
            return NoFeed()
        texts = tuple(self.text_of(orjson.loads(row.data)) for row in listing.rows)
        self.given.listings.add((listing.head, items, only, texts))
        return listing
