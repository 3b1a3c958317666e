"""The editor: publishes and changes items.

HTTP, WebSocket, the inbox and `Publisher` all use it. A change is computed from the item as it was read, and takes effect only if
the item is still at that version, which the append script checks (optimistic concurrency).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from livefeed.counters import Counters
from livefeed.cursors import Cursor
from livefeed.exceptions import BadRequest, Conflict, Forbidden, NotFound, StaleVersion, Unavailable
from livefeed.feeds import FeedSettings
from livefeed.items import Item, ItemInput, Tombstone
from livefeed.items.rules import Text
from livefeed.log import moves
from livefeed.log.catalog import Catalog
from livefeed.log.changes import Appended, Change, Closed, Exists, Missing, Moved, Outcome, Raced, Repeated
from livefeed.log.deadline import DEADLINE, Deadlines, in_time
from livefeed.log.due import DueList
from livefeed.log.durability import Durability
from livefeed.log.eventlog import EventLog
from livefeed.log.itemids import ItemIds
from livefeed.log.itemstore import ItemStore
from livefeed.log.moves import Current

__all__ = ["REASON", "Done", "Editor"]

RACES = 100
"""Attempts at a change when others change the same item. Each lost race is another's success, so this many in a row mean that
some program changes one item without a pause."""

MAX_KEY = 255
REASON = Text(500)
"""The reason given with a hold or a kill."""


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a change: its event (None: nothing was appended) and the current item (None: expired from the store)."""

    event: Cursor | None
    item: Item | Tombstone | None
    created: bool = False


Step = tuple[Item, Change] | tuple[Tombstone, Change] | None
Move = Callable[[Current, int], Step]


class _KeyTaken(Conflict):
    """The `uri` or Idempotency-Key was used before, with other content."""


class Editor:
    """Publishes and changes items. Every change is answered within *deadline* seconds, with `Unavailable` if need be."""

    def __init__(
        self,
        log: EventLog,
        items: ItemStore,
        catalog: Catalog,
        counters: Counters | None = None,
        *,
        deadline: float = DEADLINE,
    ) -> None:
        self.log = log
        self.items = items
        self.catalog = catalog
        self.counters = counters or Counters()
        self.deadlines = Deadlines(deadline)
        self.due_list = DueList(log.redis)
        self._ids = ItemIds()

    # -- publishing

    @in_time
    async def publish(
        self,
        feed: str,
        given: ItemInput,
        *,
        producer: str = "",
        key: str = "",
        update: bool = False,
        may_create: bool = False,
        durability: Durability | None = None,
        inbox: str = "",
    ) -> Done:
        """Publish *given* once: repeating it with the same `uri` or *key* returns the result of the first time.

        Other content under the same `uri` or *key* raises `Conflict`, or with *update* makes a new version. *may_create*: create
        the feed if it does not exist. *inbox* is the id of the entry that requested this; a `Done` without an item means that
        another worker has moved that entry.
        """
        if len(key) > MAX_KEY:
            raise BadRequest(f"the Idempotency-Key has {len(key)} characters: at most {MAX_KEY} are allowed")
        now = await self._exact_now(feed) if given.embargoed_until else _now()
        item_id = self._ids.make(now)
        item, change = moves.born(given, item_id=item_id, now=now, producer=producer, key=key, update=update, inbox=inbox)
        outcome = await self._append(feed, change, durability)
        if isinstance(outcome, Missing) and may_create:
            await self.catalog.put(feed, FeedSettings(), only_new=True)
            outcome = await self._append(feed, change, durability)
        if isinstance(outcome, Appended):
            return Done(outcome.cursor, item, created=True)
        if isinstance(outcome, Exists) and update:
            return await self._update(feed, outcome.item_id, given, key, durability, inbox)
        return await self._settled(feed, outcome)

    async def _update(
        self, feed: str, item_id: str, given: ItemInput, key: str, durability: Durability | None, inbox: str
    ) -> Done:
        def update(key: str) -> Move:
            return lambda current, now: moves.updated(current, given, now=now, key=key, inbox=inbox)

        try:
            return await self._change(feed, item_id, update(key), durability=durability)
        except _KeyTaken:
            # The item was found by the key, which stays bound to the content that it was first sent with.
            return await self._change(feed, item_id, update(""), durability=durability)

    # -- changing

    @in_time
    async def patch(
        self,
        feed: str,
        item_id: str,
        patch: object,
        *,
        expects: int | None = None,
        drafts_only: bool = False,
        durability: Durability | None = None,
    ) -> Done:
        """Change an item by a merge patch. With *expects*, raises `StaleVersion` unless it is at that version."""

        def move(current: Current, now: int) -> Step:
            if drafts_only and current.state != "draft":
                raise Forbidden("this credential may only change drafts, and this item is not a draft")
            step = moves.patched(current, patch, now=now)
            if drafts_only and step and not step[0].draft:
                raise Forbidden("this credential may change drafts, but not publish them")
            return step

        return await self._change(feed, item_id, move, expects=expects, durability=durability)

    @in_time
    async def hold(self, feed: str, item_id: str, reason: str = "", *, expects: int | None = None, inbox: str = "") -> Done:
        """Withhold an item while it is checked; its text is sealed for `release`."""
        said = REASON.check(reason, "/reason")
        return await self._erase(feed, item_id, lambda c, now: moves.held(c, said, now=now, inbox=inbox), expects)

    @in_time
    async def cancel(self, feed: str, item_id: str, reason: str = "", *, expects: int | None = None, inbox: str = "") -> Done:
        """Kill an item permanently."""
        said = REASON.check(reason, "/reason")
        return await self._erase(feed, item_id, lambda c, now: moves.canceled(c, said, now=now, inbox=inbox), expects)

    @in_time
    async def release(
        self, feed: str, item_id: str, patch: object = None, *, expects: int | None = None, inbox: str = ""
    ) -> Done:
        """Make a withheld item usable again, with *patch* applied."""
        return await self._change(
            feed, item_id, lambda c, now: moves.released(c, patch, now=now, inbox=inbox), expects=expects, unseals=True
        )

    @in_time
    async def publish_draft(self, feed: str, item_id: str, *, expects: int | None = None) -> Done:
        """Publish a draft, now or when its embargo ends."""
        return await self._change(feed, item_id, lambda c, now: moves.published(c, now=now), expects=expects)

    async def publish_due(self, feed: str, item_id: str, now: int) -> Done:
        """Publish a scheduled item if it is due at *now* (ms since the epoch, by Redis' clock)."""
        return await self._change(feed, item_id, lambda c, _: moves.due(c, now=now), now=now)

    # -- reading

    async def current(self, feed: str, item_id: str) -> Current:
        """Raises `NotFound`."""
        return Current.read(await self.items.item(feed, item_id))

    # -- internals

    async def _erase(self, feed: str, item_id: str, move: Move, expects: int | None) -> Done:
        return await self._change(feed, item_id, move, expects=expects, erases=True)

    async def _change(
        self,
        feed: str,
        item_id: str,
        move: Move,
        *,
        expects: int | None = None,
        erases: bool = False,
        unseals: bool = False,
        durability: Durability | None = None,
        now: int | None = None,
    ) -> Done:
        for _ in range(RACES):
            current = await self.current(feed, item_id)
            if expects is not None and current.version != expects:
                raise StaleVersion(f"the item is at version {current.version}, not {expects}: read it and make the change again")
            if unseals and current.state == "withheld" and (sealed := await self.items.held(feed, item_id)):
                # Read after the version that the append expects, so that this cannot be the sealed text of another hold.
                current = replace(current, sealed=Current.read(sealed).item)
            # Redis' clock decides whether an embargo has ended, because it also dates the log.
            waiting = current.state in ("draft", "scheduled") and now is None
            step = move(current, await self._exact_now(feed) if waiting else now or _now())
            if step is None:
                await self.log.confirm(feed, erased=erases, durability=durability)
                return Done(current.last, current.left)
            item, change = step
            outcome = await self._append(feed, change, durability)
            if isinstance(outcome, Appended):
                return Done(outcome.cursor, item)
            if not isinstance(outcome, Raced):
                return await self._settled(feed, outcome)
        raise Unavailable("this item is being changed continuously by others; repeat the request")

    async def _append(self, feed: str, change: Change, durability: Durability | None) -> Outcome:
        begun = time.perf_counter()
        try:
            outcome = await self.log.append(feed, change, durability)
        except Unavailable:
            self.counters.append_failures += 1
            raise
        self.counters.append_seconds.observe(time.perf_counter() - begun)
        if isinstance(outcome, Appended):
            self.counters.appends += 1
            self.counters.foreign_entries += outcome.foreign
        self.counters.append_repeats += isinstance(outcome, Repeated)
        return outcome

    async def _settled(self, feed: str, outcome: Outcome) -> Done:
        """The result, or the exception, when nothing was appended."""
        match outcome:
            case Repeated(item_id, cursor):
                try:
                    current = await self.current(feed, item_id)
                except NotFound:
                    return Done(cursor, None)
                # The record of a draft's key has no event; the item may have one by now.
                return Done(cursor or current.first, current.left)
            case Exists():
                raise _KeyTaken(
                    "this uri or Idempotency-Key was published before with other content: give ?existing=update for a new version"
                )
            case Closed():
                raise Conflict(f"the feed {feed!r} is closed: it takes no new items")
            case Moved():
                return Done(None, None)
            case _:
                raise NotFound(f"there is no feed {feed!r}: create it with an admin key and PUT /v1/feeds/{feed}")

    async def _exact_now(self, feed: str) -> int:
        return (await self.due_list.peek(feed, 0)).now


def _now() -> int:
    return time.time_ns() // 1_000_000
