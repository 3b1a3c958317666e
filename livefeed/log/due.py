"""The due list: scheduled items, kept in Redis, so that every worker sees it and none owns it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisError

from livefeed.log import scripts
from livefeed.log.keys import Keys

__all__ = ["Due", "DueList"]

AT_ONCE = 500
"""Feeds in one call of the script: at 1 µs each they block Redis for less than 1 ms."""


@dataclass(frozen=True, slots=True)
class Due:
    """The time (ms since the epoch) by Redis' clock, and the items that are due."""

    now: int
    item_ids: tuple[str, ...]


class DueList:
    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._peek = scripts.load("prelude", "due", flags="no-writes")
        self._firsts = scripts.load("firsts", flags="no-writes")

    async def peek(self, feed: str, limit: int = 100) -> Due:
        """The items that are due now, the longest overdue first."""
        keys = Keys(feed)
        now, found = await self._peek(self.redis, [keys.due], [keys.prefix, limit])
        return Due(int(now), tuple(item_id.decode() for item_id in found))

    async def next_times(self, feeds: list[str]) -> dict[str, int]:
        """For each feed with scheduled items, the time (ms since the epoch) of the first."""
        names = [Keys(feed).due for feed in feeds]
        if isinstance(self.redis, RedisCluster):
            firsts = await self._firsts_of_slots(names)
        else:
            # Asked twice a second. With a command for each of 1,000 feeds, readers would wait for 20 ms each time.
            firsts = []
            for start in range(0, len(names), AT_ONCE):
                firsts += await self._firsts(self.redis, names[start : start + AT_ONCE], [])
        return {feed: int(first) for feed, first in zip(feeds, firsts, strict=True) if first}

    async def _firsts_of_slots(self, names: Sequence[str]) -> list[Any]:
        """A command for each feed: in a Cluster, one script may only read keys of one slot."""
        pipeline = self.redis.pipeline(transaction=False)
        for name in names:
            pipeline.execute_command("ZRANGE", name, 0, 0, "WITHSCORES")
        try:
            answers = await pipeline.execute()
        except RedisError as exc:
            raise scripts.unavailable(exc) from exc
        return [answer[0][1] if answer else None for answer in answers]
