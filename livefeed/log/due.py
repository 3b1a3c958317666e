"""The due list: scheduled items, kept in Redis, so that every worker sees it and none owns it."""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from livefeed.log import scripts
from livefeed.log.keys import Keys

__all__ = ["Due", "DueList"]


@dataclass(frozen=True, slots=True)
class Due:
    """The time (ms since the epoch) by Redis' clock, and the items that are due."""

    now: int
    item_ids: tuple[str, ...]


class DueList:
    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._peek = scripts.load("prelude", "due", flags="no-writes")

    async def peek(self, feed: str, limit: int = 100) -> Due:
        """The items that are due now, the longest overdue first."""
        keys = Keys(feed)
        now, found = await self._peek(self.redis, [keys.due], [keys.prefix, limit])
        return Due(int(now), tuple(item_id.decode() for item_id in found))

    async def next_times(self, feeds: list[str]) -> dict[str, int]:
        """For each feed with scheduled items, the time (ms since the epoch) of the first."""
        pipeline = self.redis.pipeline(transaction=False)
        for feed in feeds:
            pipeline.execute_command("ZRANGE", Keys(feed).due, 0, 0, "WITHSCORES")
        try:
            answers = await pipeline.execute()
        except RedisError as exc:
            raise scripts.unavailable(exc) from exc
        return {feed: int(answer[0][1]) for feed, answer in zip(feeds, answers, strict=True) if answer}
