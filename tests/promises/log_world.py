"""A real log beside its model: what programs do is done to both."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from redis import Redis as Client
from redis.asyncio import Redis

from livefeed.cursors import Cursor
from livefeed.exceptions import Conflict, NotFound
from livefeed.feeds import FeedSettings, Retention
from livefeed.items import Item, ItemInput
from livefeed.log.catalog import Catalog
from livefeed.log.connect import Backend
from livefeed.log.editor import Editor
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from livefeed.log.keys import Keys
from tests.promises.history import ROOT, Branch, Told

__all__ = ["FEED", "KEYS", "Piece", "Programs", "Saved"]

FEED = "world"
KEYS = Keys(FEED)
_SEARCH = """
local function flat(value)
  if type(value) ~= 'table' then return tostring(value) end
  local parts = {}
  for i, part in ipairs(value) do parts[i] = flat(part) end
  return table.concat(parts, ' ')
end
local found = {}
for _, name in ipairs(redis.call('KEYS', 'livefeed:*')) do
  local kind, all = redis.call('TYPE', name).ok, nil
  if kind == 'string' then all = redis.call('GET', name)
  elseif kind == 'hash' then all = redis.call('HGETALL', name)
  elseif kind == 'list' then all = redis.call('LRANGE', name, 0, -1)
  elseif kind == 'set' then all = redis.call('SMEMBERS', name)
  elseif kind == 'zset' then all = redis.call('ZRANGE', name, 0, -1)
  else all = redis.call('XRANGE', name, '-', '+') end
  local text = name .. ' ' .. flat(all)
  for _, word in ipairs(ARGV) do
    if string.find(text, word, 1, true) then found[#found + 1] = word .. ' in ' .. name end
  end
end
return found
"""

T = TypeVar("T")


@dataclass
class Piece:
    """One item of the model: its texts in the order in which they were given, and where it stands."""

    uri: str
    item_id: str
    first: ItemInput
    cursor: Cursor
    texts: list[str]
    tags: frozenset[str]
    urgency: int
    state: str = "usable"

    def copy(self) -> Piece:
        return Piece(self.uri, self.item_id, self.first, self.cursor, [*self.texts], self.tags, self.urgency, self.state)


@dataclass
class Saved:
    """A replica that stopped hearing of its primary: all keys, and what the model knew then."""

    dump: dict[bytes, bytes]
    branch: Branch
    pieces: dict[str, Piece]
    state: str
    keep: Retention
    exact: bool


@dataclass
class Programs:
    """*loop* runs what is under test; *hand* is the other hand, of an operator or a stranger, on the same Redis."""

    loop: asyncio.AbstractEventLoop
    redis: Redis
    hand: Client
    backend: Backend
    branch: Branch = field(default_factory=Branch)
    pieces: dict[str, Piece] = field(default_factory=dict)
    seen: list[Told] = field(default_factory=lambda: [ROOT])
    """Every event of every history: positions that readers may come back with."""
    state: str = "none"
    """none, made or deleted"""
    keep: Retention = field(default_factory=Retention)
    exact: bool = True
    """Whether the log knows its size exactly: a mended one estimates it."""
    listed: bool = True
    saved: Saved | None = None
    away: list[Told] | None = None
    ghost: Branch | None = None
    """A history that Redis forgot, whose entries still lie in the log."""
    refilled: bool = False
    """Whether a stranger's stream, with ids of its own, stands in place of the log."""

    def __post_init__(self) -> None:
        self.log = EventLog(self.redis, self.backend)
        self.items = ItemStore(self.redis)
        self.catalog = Catalog(self.redis)
        self.editor = Editor(self.log, self.items, self.catalog, deadline=60.0)
        self.numbers = itertools.count(1)
        self.latest_ms = 0
        self.hand.flushall()
        self.put()

    def run(self, deed: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(deed)

    def now(self) -> int:
        seconds, micros = self.hand.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def _later(self) -> None:
        """Two histories that give the same number in the same millisecond cannot be told apart by anybody."""
        while self.now() <= self.latest_ms:
            pass

    # -- what programs do

    def put(self, keep: Retention | None = None, is_open: bool = True) -> None:
        began = self.now()
        self.keep = keep or self.keep
        _, cursor = self.run(self.catalog.put(FEED, FeedSettings(retention=self.keep, open=is_open)))
        if self.state == "none":
            self._begin_anew()
        self.state = "made"
        self.branch.mend()
        if cursor is not None:
            self._appended(cursor, "", "", frozenset(), 1, began)
        else:
            self._trimmed(began)

    def _begin_anew(self) -> None:
        self._later()
        self.branch, self.pieces, self.ghost = Branch(), {}, None

    def delete(self) -> None:
        if self.state != "made":
            return
        last = self.run(self.catalog.delete(FEED))
        assert last == self.branch.last.cursor, "deleting a feed keeps its last cursor"
        self.branch.trim_to(self.branch.last)
        self.pieces, self.state, self.away, self.ghost = {}, "deleted", None, None
        self.listed, self.exact = True, True

    def _given(self, number: int, tags: tuple[str, ...], urgency: int) -> ItemInput:
        word = f"word{number:05d}"
        return ItemInput(
            uri=f"urn:n:{number}", headline=word, body_text=f"{word} again", ed_note=word, tags=tags, urgency=urgency
        )

    def publish(self, tags: tuple[str, ...] = (), urgency: int = 5) -> None:
        number = next(self.numbers)
        given = self._given(number, tags, urgency)
        began = self.now()
        try:
            done = self.run(self.editor.publish(FEED, given))
        except NotFound:
            assert self.state != "made", "a feed that is there takes items"
            return
        except Conflict:
            return
        assert self.state == "made"
        assert done.event is not None
        assert done.item is not None
        word = f"word{number:05d}"
        self.pieces[given.uri] = Piece(given.uri, done.item.id, given, done.event, [word], frozenset(tags), urgency)
        self._appended(done.event, done.item.id, word, frozenset(tags), urgency, began)

    def piece(self, pick: int, *states: str) -> Piece | None:
        found = [piece for piece in self.pieces.values() if not states or piece.state in states]
        return found[pick % len(found)] if found and self.state == "made" else None

    def repeat(self, pick: int) -> None:
        piece = self.piece(pick)
        if piece is None:
            return
        done = self.run(self.editor.publish(FEED, piece.first))
        assert done.event == piece.cursor, "a repeat is told what came of it the first time"
        assert self.run(self.log.head(FEED)) == self.branch.last.cursor, "a repeat appends nothing"

    def update(self, pick: int, tags: tuple[str, ...] | None) -> None:
        piece = self.piece(pick, "usable")
        if piece is None:
            return
        word = f"word{next(self.numbers):05d}"
        patch: dict[str, object] = {"headline": word, "bodyText": word, "edNote": word}
        if tags is not None:
            patch["tags"] = list(tags)
        began = self.now()
        done = self.run(self.editor.patch(FEED, piece.item_id, patch))
        assert done.event is not None
        piece.texts.append(word)
        piece.tags |= frozenset(tags or ())
        self._appended(done.event, piece.item_id, word, piece.tags, piece.urgency, began)

    def erase(self, pick: int, deed: str) -> None:
        piece = self.piece(pick, "usable") if deed == "hold" else self.piece(pick, "usable", "withheld")
        if piece is None:
            return
        began = self.now()
        doing = self.editor.hold if deed == "hold" else self.editor.cancel
        done = self.run(doing(FEED, piece.item_id, "checked"))
        assert done.event is not None
        piece.state = "withheld" if deed == "hold" else "canceled"
        self._appended(done.event, piece.item_id, "", piece.tags, piece.urgency, began, erases=True)
        self.find_killed()
        again = self.run(doing(FEED, piece.item_id))
        assert again.event == done.event, "a repeated kill appends nothing"

    def release(self, pick: int, *, patched: bool) -> None:
        piece = self.piece(pick, "withheld")
        if piece is None:
            return
        word = f"word{next(self.numbers):05d}"
        began = self.now()
        patch = {"headline": word, "bodyText": word, "edNote": word} if patched else None
        done = self.run(self.editor.release(FEED, piece.item_id, patch))
        assert done.event is not None
        assert isinstance(done.item, Item)
        piece.state = "usable"
        if patched:
            piece.texts.append(word)
        assert done.item.headline == piece.texts[-1]
        self._appended(done.event, piece.item_id, piece.texts[-1], piece.tags, piece.urgency, began)

    def sweep(self) -> None:
        if self.state != "made":
            return
        began = self.now()
        self.run(self.catalog.sweep(FEED))
        self.branch.mend()
        self._trimmed(began)

    # -- what that means for the model

    def _appended(
        self, cursor: Cursor, item: str, text: str, tags: frozenset[str], urgency: int, began: int, *, erases: bool = False
    ) -> None:
        self.ghost = None
        self.branch.mend()
        told = Told(cursor, self.branch.last, item, text, tags, urgency, erases)
        stored: Any = self.hand.xrange(KEYS.log, str(cursor), str(cursor))
        if stored:
            told.size = len(stored[0][1][b"d"])
        else:
            self.exact = False
        assert cursor > self.branch.last.cursor, "ids rise"
        self.branch.append(told)
        self.latest_ms = max(self.latest_ms, cursor.ms)
        self.seen.append(told)
        if erases:
            self.branch.remove_before(told)
        self._trimmed(began)

    def _trimmed(self, began: int) -> None:
        """Take over what was trimmed, if it had to be, and only that."""
        self.away, self.refilled = None, False
        floor = Cursor.parse(cast("bytes", self.hand.hget(KEYS.feed, "floor")).decode())
        branch, kept = self.branch, self.branch.kept()
        cut = [told for told in kept if told.seq <= floor.seq]
        assert floor.seq >= branch.floor.seq, "the floor never sinks"
        sizes, count = sum(told.size for told in kept), len(kept)
        for told in cut:
            too_many = count > self.keep.events or (sizes > self.keep.bytes or not self.exact)
            assert too_many or told.cursor.ms < self.now() - self.keep.age * 1000, f"{told} was trimmed without need"
            count, sizes = count - 1, sizes - told.size
        assert count <= self.keep.events, "more events are kept than wanted"
        assert sizes <= self.keep.bytes or not self.exact, "more bytes are kept than wanted"
        assert all(told.cursor.ms >= began - self.keep.age * 1000 for told in kept[len(cut) :]), (
            "older events are kept than wanted"
        )
        if cut:
            assert floor == cut[-1].cursor, "the floor is the last event trimmed"
            branch.trim_to(cut[-1])

    def find_killed(self) -> None:
        """Killed text is nowhere; that of a held item only where its release finds it."""
        words = [word for piece in self.pieces.values() if piece.state == "canceled" for word in piece.texts]
        held = {piece.item_id: piece.texts for piece in self.pieces.values() if piece.state == "withheld"}
        found = [place.decode() for place in self.hand.eval(_SEARCH, 0, *words, *itertools.chain(*held.values()))]
        sealed = {f"{texts[-1]} in {KEYS.held(item_id)}" for item_id, texts in held.items()}
        assert not set(found) - sealed, f"killed text: {found}"
