"""Rosters: which desks and wall screens reported recently."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from redis.asyncio import Redis

from livefeed.exceptions import Unavailable
from livefeed.log import scripts

__all__ = ["Entry", "Roster"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A member's last report. *age* is the time since then in ms, by Redis' clock."""

    member: str
    report: bytes
    age: int


class _Stored(msgspec.Struct, array_like=True):
    at: int
    report: bytes


_stored = msgspec.msgpack.Decoder(_Stored)


class Roster:
    """A hash with the last report of each member, which is removed *keep* seconds after it.

    Rosters are informative only: nothing is locked by them.
    """

    def __init__(self, redis: Redis, *, keep: float, most: int) -> None:
        self._redis = redis
        self._keep = int(keep * 1000)
        self._most = most

    async def report(self, name: str, member: str, report: bytes) -> list[Entry]:
        """Store *report* as the last one of *member*. Returns all current entries, including this one, sorted by name.

        Raises `Unavailable` when the roster is full.
        """
        now = await self._now()
        entries = await self._swept(name, now)
        if len(entries) >= self._most and all(entry.member != member for entry in entries):
            raise Unavailable(f"the roster is full: {self._most} others have reported", retry_after=60)
        value = msgspec.msgpack.encode(_Stored(now, report))
        await scripts.command(self._redis, "HSET", name, member, value)
        await scripts.command(self._redis, "PEXPIRE", name, self._keep)
        others = [entry for entry in entries if entry.member != member]
        return sorted([*others, Entry(member, report, 0)], key=lambda entry: entry.member)

    async def leave(self, name: str, member: str) -> None:
        await scripts.command(self._redis, "HDEL", name, member)

    async def read(self, name: str) -> list[Entry]:
        """The current entries, sorted by name."""
        return sorted(await self._swept(name, await self._now()), key=lambda entry: entry.member)

    async def _swept(self, name: str, now: int) -> list[Entry]:
        answer: dict[bytes, bytes] = await scripts.command(self._redis, "HGETALL", name)
        found = [(member.decode(), _stored.decode(value)) for member, value in answer.items()]
        if gone := [member for member, stored in found if now - stored.at > self._keep]:
            await scripts.command(self._redis, "HDEL", name, *gone)
        return [Entry(member, s.report, max(0, now - s.at)) for member, s in found if now - s.at <= self._keep]

    async def _now(self) -> int:
        """ms since the epoch by Redis' clock, which all workers share."""
        seconds, micros = await scripts.command(self._redis, "TIME")
        return int(seconds) * 1000 + int(micros) // 1000
