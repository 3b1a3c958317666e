"""The catalog of feeds and their settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from livefeed.cursors import Cursor
from livefeed.exceptions import NotFound
from livefeed.feeds import FeedSettings
from livefeed.log import scripts
from livefeed.log.keys import FEEDS, Keys

__all__ = ["Catalog", "Feed", "Swept"]


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed: its settings, its last event, and a *revision* that grows with each change to the settings."""

    name: str
    settings: FeedSettings
    head: Cursor
    revision: int


@dataclass(frozen=True, slots=True)
class Swept:
    """How many log entries and items one sweep removed, and how many foreign entries."""

    trimmed: int
    dropped: int
    foreign: int


class Catalog:
    """The feeds in one Redis."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._feed = scripts.load("prelude", "repair", "feed")
        self._sweep = scripts.load("prelude", "repair", "sweep", flags="allow-oom")

    async def names(self) -> list[str]:
        """All feeds' names, sorted."""
        found = await scripts.command(self.redis, "SMEMBERS", FEEDS)
        return sorted(name.decode() for name in found)

    async def get(self, name: str) -> Feed:
        """Raises `NotFound`."""
        (feed,) = await self.get_many([name])
        if feed is None:
            raise NotFound(f"there is no feed {name!r}")
        return feed

    async def get_many(self, names: list[str]) -> list[Feed | None]:
        """The feeds with these names, in the same order; None for those that do not exist."""
        wanted = [("HMGET", Keys(name).feed, "settings", "ms", "seq", "revision", "state") for name in names]
        answers = await scripts.commands(self.redis, wanted)
        for answer in answers:
            if isinstance(answer, RedisError):
                raise scripts.unavailable(answer) from answer
        return [_feed(name, answer) for name, answer in zip(names, answers, strict=True)]

    async def put(self, name: str, settings: FeedSettings, *, only_new: bool = False) -> tuple[bool, Cursor | None]:
        """Create or change a feed. Returns whether it is new, and the event that opened or closed it.

        With *only_new* an existing feed is left unchanged.
        """
        keep = msgspec.to_builtins(settings.retention)
        data = msgspec.json.encode({"title": settings.title, "open": settings.open}).decode()
        wanted = {"settings": msgspec.json.encode(settings).decode(), "open": settings.open, "keep": keep, "data": data}
        if only_new:
            wanted["only_new"] = True
        # The name first: a feed that is not in the set could not be found again.
        await scripts.command(self.redis, "SADD", FEEDS, name)
        answer = await self._call(name, "put", wanted)
        return answer[0] == b"made", Cursor.of_entry(answer[1]) if answer[1] else None

    async def delete(self, name: str) -> Cursor:
        """Delete a feed and all its items. Returns its last cursor, which is kept. Raises `NotFound`."""
        answer = await self._call(name, "delete", {})
        if answer[0] == b"nofeed":
            raise NotFound(f"there is no feed {name!r}")
        while (await self.sweep(name)).dropped:
            pass
        await scripts.command(self.redis, "DEL", Keys(name).inbox, Keys(name).rejected)
        await scripts.command(self.redis, "SREM", FEEDS, name)
        return Cursor.of_entry(answer[2])

    async def sweep(self, name: str) -> Swept:
        """Apply the feed's retention to its log and items; a bounded number of them per call."""
        keys = Keys(name)
        trimmed, dropped, foreign = await self._sweep(self.redis, _names(keys), [keys.prefix])
        return Swept(int(trimmed), int(dropped), int(foreign))

    async def _call(self, name: str, operation: str, wanted: dict[str, Any]) -> list[Any]:
        keys = Keys(name)
        packed = msgspec.msgpack.encode(wanted)
        answer: list[Any] = await self._feed(self.redis, _names(keys), [keys.prefix, operation, packed])
        return answer


def _names(keys: Keys) -> list[str]:
    """The keys of a whole feed, in the order in which both scripts take them."""
    return [keys.log, keys.feed, keys.removed, keys.rejected, keys.items, keys.timeline, keys.desk, keys.due]


def _feed(name: str, answer: list[bytes | None]) -> Feed | None:
    settings, ms, seq, revision, state = answer
    if settings is None or ms is None or seq is None or state == b"deleted":
        return None
    return Feed(name, msgspec.json.decode(settings, type=FeedSettings), Cursor(int(ms), int(seq)), int(revision or 0))
