"""The headcount: how many readers each feed has on all workers of all servers that share one Redis.

Each worker writes its own counts into one hash, and reads the others'. Counts are valid while their beat number keeps changing;
clocks of different machines are not compared.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
import structlog
from redis.asyncio import Redis

from livefeed.exceptions import Unavailable
from livefeed.log.scripts import command
from livefeed.ticks import pause

__all__ = ["Headcount"]

KEY = "livefeed:readers"

PERIOD = 2.0
"""Seconds between two beats."""

_SILENT = 4 * PERIOD
_GONE = 60.0
"""Seconds after which the counts of a dead worker are removed."""

_log = structlog.get_logger("livefeed.headcount")


@dataclass(slots=True)
class _Worker:
    beat: int
    heard: float
    counts: Mapping[str, int]


class Headcount:
    """Exchanges reader counts. *here* returns those of this worker, by feed."""

    def __init__(self, redis: Redis, here: Callable[[], Mapping[str, int]]) -> None:
        self._redis = redis
        self._here = here
        self._name = secrets.token_hex(8)
        self._beat = 0
        self._others: dict[str, _Worker] = {}

    def of(self, feed: str) -> int:
        """Readers of *feed*: this worker's current count plus the last reported ones of the others."""
        now = time.monotonic()
        others = sum(worker.counts.get(feed, 0) for worker in self._others.values() if now - worker.heard < _SILENT)
        return self._here().get(feed, 0) + others

    async def run(self) -> None:
        """Exchange counts until cancelled, then withdraw this worker's."""
        try:
            while True:
                try:
                    await self.beat()
                except Unavailable as exc:
                    _log.debug("the other workers' reader counts are unknown", reason=str(exc))
                await pause(PERIOD)
        finally:
            await self._leave()

    async def beat(self) -> None:
        self._beat += 1
        counts = {feed: count for feed, count in self._here().items() if count}
        await command(self._redis, "HSET", KEY, self._name, orjson.dumps([self._beat, counts]))
        told: dict[bytes, bytes] = await command(self._redis, "HGETALL", KEY)
        now = time.monotonic()
        self._others = {
            name: self._heard(name, value, now) for raw, value in told.items() if (name := raw.decode()) != self._name
        }
        for name, worker in self._others.items():
            if now - worker.heard > _GONE:
                await command(self._redis, "HDEL", KEY, name)

    def _heard(self, name: str, value: bytes, now: float) -> _Worker:
        beat, counts = orjson.loads(value)
        known = self._others.get(name)
        return known if known is not None and known.beat == beat else _Worker(beat, now, counts)

    async def _leave(self) -> None:
        try:
            await command(self._redis, "HDEL", KEY, self._name)
        except Unavailable as exc:
            _log.debug("this worker's reader counts were not withdrawn", reason=str(exc))
