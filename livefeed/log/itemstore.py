"""Current items, read only: for lists, snapshots and the desk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from redis.asyncio import Redis

from livefeed.cursors import Cursor
from livefeed.exceptions import NotFound
from livefeed.filters import Filter
from livefeed.log import scripts
from livefeed.log.changes import State
from livefeed.log.keys import Keys
from livefeed.snapshots import Listing, Row

__all__ = ["ItemStore", "StoredItem"]


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item's state in Redis. *first* is its first event, None before it is published; *last* the newest."""

    data: bytes
    desk: bytes
    version: int
    state: State
    first: Cursor | None
    last: Cursor | None


class ItemStore:
    """The items that the append script stores beside the log."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._list = scripts.load("prelude", "list", flags="no-writes")

    async def newest(
        self,
        feed: str,
        limit: int,
        *,
        only: Filter = Filter.ALL,
        before: str = "",
        desk: bool = False,
        scan: int = 5_000,
    ) -> Listing:
        """Current items that match *only*, newest `contentCreated` first, from below *before* on.

        At most *scan* items are examined, so that a rare urgency cannot block Redis; the listing's `next` continues from there.
        Raises `NotFound` when there is no such feed.
        With *desk*: also drafts, scheduled, held and canceled items, and the fields that only the desk sees.
        """
        keys = Keys(feed)
        query: dict[str, object] = {"limit": limit, "scan": scan, "tags": sorted(only.tags)}
        if only.urgency is not None:
            query["urgency"] = only.urgency
        if before:
            query["before"] = before
        if desk:
            query["desk"] = True
        answer = await self._list(self.redis, [keys.feed, keys.timeline, keys.desk], [keys.prefix, msgspec.msgpack.encode(query)])
        if answer[0] == b"nofeed":
            raise NotFound(f"there is no feed {feed!r}")
        rows = tuple(Row(row[0].decode(), row[1], row[2], row[3].decode() or "usable") for row in answer[1])
        return Listing(Cursor.of_entry(answer[0]), rows, answer[2].decode())

    async def row(self, feed: str, item_id: str, *, only: Filter = Filter.ALL, desk: bool = False) -> Row | None:
        """The item as it appears in a list; None if it does not."""
        names = ("member", "data", "state", "tags", "urgency", "expires", "desk")
        member, data, state, tags, urgency, expires, secret = await self._hmget(Keys(feed).item(item_id), *names)
        if member is None or data is None or state is None:
            return None
        expired = bool(expires) and int(expires or 0) <= time.time_ns() // 1_000_000
        if not desk and (state != b"usable" or expired):
            return None
        if not only.passes(frozenset((tags or b"").decode().split("\n")), int(urgency or 9)):
            return None
        return Row(member.decode(), data, (secret or b"") if desk else b"", state.decode())

    async def item(self, feed: str, item_id: str) -> StoredItem:
        """Raises `NotFound`."""
        data, desk, version, state, first, entries = await self._hmget(
            Keys(feed).item(item_id), "data", "desk", "version", "state", "first", "entries"
        )
        if data is None or version is None or state is None:
            raise NotFound(f"the feed {feed!r} has no item {item_id[:80]!r}")
        last = (entries or b"").rpartition(b"\n")[2]
        return StoredItem(
            data,
            desk or b"",
            int(version),
            cast("State", state.decode()),
            Cursor.of_entry(first) if first else None,
            Cursor.of_entry(last) if last else None,
        )

    async def id_of(self, feed: str, uri: str) -> str | None:
        """The id of the item that has, or had, this *uri*."""
        keys = Keys(feed)
        item_id, life = await self._hmget(keys.uri(uri), "id", "life")
        (current,) = await self._hmget(keys.feed, "life")
        return item_id.decode() if item_id and life == current else None

    async def history(self, feed: str, item_id: str) -> list[bytes]:
        """Earlier versions, newest first."""
        answer: Sequence[Any] = await scripts.command(self.redis, "LRANGE", Keys(feed).history(item_id), 0, -1)
        return [*answer]

    async def held(self, feed: str, item_id: str) -> StoredItem | None:
        """A withheld item as it was before the hold: for its release, and for editors."""
        sealed = await scripts.command(self.redis, "GET", Keys(feed).held(item_id))
        if sealed is None:
            return None
        before = msgspec.msgpack.decode(sealed, type=_Held)
        return StoredItem(before.data.encode(), before.desk.encode(), int(before.version), "usable", None, None)

    async def _hmget(self, name: str, *fields: str) -> list[bytes | None]:
        answer: Sequence[Any] = await scripts.command(self.redis, "HMGET", name, *fields)
        return [*answer]


class _Held(msgspec.Struct):
    data: str
    desk: str
    version: float
