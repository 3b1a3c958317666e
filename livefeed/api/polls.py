"""JSON pages of a feed's log, and waiting for the next one."""

from __future__ import annotations

import asyncio

import orjson

from livefeed.channel import Channel
from livefeed.cursors import BIRTH, Cursor
from livefeed.events import Event
from livefeed.exceptions import NotFound, RequestError, Unauthorized, Unavailable
from livefeed.filters import Filter
from livefeed.grants import Caller, Role
from livefeed.holes import Hole, NoFeed, Page, Reason
from livefeed.hub import Hub
from livefeed.log.eventlog import PAGE
from livefeed.reader import After, FromNow, Newest, Start
from livefeed.snapshots import Listing, snapshot
from livefeed.wires import stream_event

__all__ = ["DEFAULT_LIMIT", "MAX_LIMIT", "MAX_WAIT", "Poll"]

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
"""Events on a page."""
MAX_WAIT = 60
"""Seconds."""
MAX_PAGE = 1024 * 1024
"""Maximum size of a page in bytes: 500 events of 64 KiB would be 32 MB."""
MAX_READ = 5_000
"""Events that one request may read: a filter that nothing passes must not read the whole log at once."""


class Poll:
    """One request for a page of events."""

    def __init__(self, hub: Hub, channel: Channel, caller: Caller, only: Filter, items: int, limit: int) -> None:
        self.hub = hub
        self.channel = channel
        self.caller = caller
        self.only = only
        self.items = items
        self.limit = limit
        self._changed = asyncio.Event()
        self._fault: RequestError | None = None

    def end(self, reason: str) -> None:
        """The credential became invalid while the request was waiting."""
        self._fault = Unauthorized(f"the credential has {reason}: show another one")
        self._changed.set()

    async def run(self, start: Start, wait: int) -> bytes:
        """The page as JSON; waits up to *wait* seconds for the first event."""
        match start:
            case Newest(items):
                return await self._listing(items, None, None)
            case FromNow():
                position = await self.hub.log.head(self.channel.feed)
                if position is None:
                    raise NotFound(f"there is no feed {self.channel.feed!r}")
                return await self._follow(position, wait, None)
            case After(position, given):
                return await self._follow(position, wait, True if given else None)
            case unknown:
                return await self._listing(self.items, unknown.reason, None)

    async def _follow(self, position: Cursor, wait: int, resumed: bool | None) -> bytes:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        self.channel.watchers.add(self._changed.set)
        self.hub.counters.readers_poll += 1
        try:
            while True:
                self._changed.clear()
                if not self.hub.settings[self.channel.feed].settings.public:
                    # Perhaps it was, when the waiting began.
                    self.caller.require(Role.READ, self.channel.feed)
                found = await self._collect(position)
                if not isinstance(found, tuple):
                    return await self._listing(self.items, found.reason, found.missed)
                events, position, more = found
                if events or more or loop.time() >= deadline or self.hub.draining:
                    return _page([event.json for event in events], position, resumed, more)
                try:
                    async with asyncio.timeout_at(deadline):
                        await self._changed.wait()
                except TimeoutError:
                    continue
                self._check()
        finally:
            self.channel.watchers.discard(self._changed.set)
            self.hub.counters.readers_poll -= 1

    def _check(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self.channel.stale_since is not None:
            raise Unavailable("the event log cannot be read at the moment")

    async def _collect(self, position: Cursor) -> tuple[list[Event], Cursor, bool] | Hole:
        """The events after *position* that pass the filter, the position after them, and whether there are more."""
        events: list[Event] = []
        size = read = 0
        while True:
            page = await self._read(position)
            if isinstance(page, Hole):
                # Events before the hole come first; the next page reports the hole.
                return (events, position, True) if events else page
            for event in page.events:
                if len(events) == self.limit or size > MAX_PAGE:
                    return events, position, True
                position = event.cursor
                if not event.item_id or self.only.passes(event.tags, event.urgency):
                    events.append(event)
                    size += len(event.data)
            position = page.end or position
            read += len(page.events)
            if len(page.events) < PAGE:
                return events, position, False
            if read >= MAX_READ:
                return events, position, True

    async def _read(self, position: Cursor) -> Page | Hole:
        while True:
            generation = self.channel.generation
            page = await self.hub.log.read(self.channel.feed, position)
            # A hold or cancel in the meantime may have removed what was read.
            if generation != self.channel.generation:
                continue
            if not isinstance(page, NoFeed):
                return page
            if page.deleted:
                raise NotFound(f"the feed {self.channel.feed!r} was deleted")
            return Page(()) if position == BIRTH else Hole("lost")

    async def _listing(self, items: int, reason: Reason | None, missed: tuple[int, int] | None) -> bytes:
        try:
            listing = await self.hub.items.newest(self.channel.feed, items, only=self.only)
        except NotFound:
            listing = Listing(BIRTH, (), "")
        name = "snapshot" if reason is None else "reset"
        data = snapshot(listing, reason, missed)
        event = stream_event(self.channel.feed, name, data, listing.head, now=self.hub.terms.now())
        return _page([event], listing.head, None if reason is None else False, False)


def _page(events: list[bytes], cursor: Cursor, resumed: bool | None, more: bool) -> bytes:
    rest = orjson.dumps({"cursor": str(cursor), "resumed": resumed, "more": more})
    return b'{"events":[' + b",".join(events) + b"]," + rest[1:]
