"""The audit trail: who published, changed, held and killed what, and who made and revoked keys.

One stream for the whole server, `livefeed:audit`, appended to and never rewritten. It names things (feed, item, event,
key) and never holds an item's text nor a secret. Each record goes to the log at once and to Redis in the background: a
publish does not wait for it, and a Redis that is full or away delays records instead of losing them. A record whose
reply was lost is sent again: it may stand there twice, it never goes missing while the process lives.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from livefeed.counters import Counters
from livefeed.exceptions import Unavailable
from livefeed.grants import Caller
from livefeed.log.scripts import command, unavailable

__all__ = ["Audit", "Entry"]

STREAM = "livefeed:audit"
BATCH = 500
GATHER = 0.1
"""Seconds in which records come together before they are moved."""
RETRY = 1.0

_Row = tuple[bytes, dict[bytes, bytes]]

log = structlog.get_logger("livefeed.audit")


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as it was read back."""

    id: str
    """Its place in the trail, to page on from."""
    time: str
    action: str
    subject: str
    by: str
    """The id of the key or token that was used."""
    details: dict[str, str]


class Audit:
    """Takes records from anywhere, without waiting; `run` moves them to Redis.

    The trail keeps the last *entries*. At most *waiting* are kept while Redis takes none; what comes above is in the log alone.
    """

    def __init__(self, redis: Redis, counters: Counters, *, entries: int = 1_000_000, waiting: int = 10_000) -> None:
        self._redis = redis
        self._counters = counters
        self._most_waiting = waiting
        self._entries = entries
        self._waiting: deque[dict[str, str]] = deque()
        self._bell = asyncio.Event()
        self._moving = asyncio.Lock()

    def record(
        self, action: str, caller: Caller, *, feed: str = "", item: str = "", cursor: str = "", key: str = "", note: str = ""
    ) -> None:
        """Note that *caller* did *action* (`item.published`, `key.made` …) to the things named; *note* is ours, never theirs."""
        named = {"feed": feed, "item": item, "cursor": cursor, "key": key, "note": note}
        shown = {name: value for name, value in named.items() if value}
        log.info("audit", action=action, subject=caller.subject, by=caller.key_id, **shown)
        if len(self._waiting) >= self._most_waiting:
            self._counters.audit_dropped += 1
            return
        # The time of the deed, not the stream's own: that is when Redis took the record.
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._waiting.append({"time": now, "action": action, "subject": caller.subject, "by": caller.key_id, **shown})
        self._bell.set()

    async def run(self) -> None:
        """Move records to Redis until cancelled."""
        while True:
            await self._bell.wait()
            # A record at a time was a fifth of the cost of a publish; the log has each of them at once.
            await asyncio.sleep(GATHER)
            self._bell.clear()
            try:
                await self.flush()
            except Unavailable as error:
                log.warning("the audit trail waits for Redis", error=str(error), waiting=len(self._waiting))
                await asyncio.sleep(RETRY)
                self._bell.set()

    async def close(self) -> None:
        """Move what is left."""
        try:
            await self.flush()
        except Unavailable as error:
            log.warning("the last records of the audit trail are in this log alone", error=str(error), left=len(self._waiting))

    async def flush(self) -> None:
        """Return when everything recorded so far is in Redis."""
        async with self._moving:
            while self._waiting:
                batch = [self._waiting[i] for i in range(min(BATCH, len(self._waiting)))]
                pipeline = self._redis.pipeline(transaction=False)
                for fields in batch:
                    pipeline.xadd(STREAM, fields, maxlen=self._entries, approximate=True)  # type: ignore[arg-type]
                try:
                    await pipeline.execute()
                except RedisError as exc:
                    raise unavailable(exc) from exc
                for _ in batch:
                    self._waiting.popleft()

    async def read(self, *, before: str = "+", limit: int = 100) -> list[Entry]:
        """The newest records below the one named *before*, newest first."""
        await self.flush()
        top = before if before == "+" else f"({before}"
        rows = cast("list[_Row]", await command(self._redis, "XREVRANGE", STREAM, top, "-", "COUNT", limit))
        return [_entry(*row) for row in rows]


def _entry(place: bytes, fields: dict[bytes, bytes]) -> Entry:
    known = {name.decode(): value.decode("utf-8", "replace") for name, value in fields.items()}
    time, action, subject, by = (known.pop(name, "") for name in ("time", "action", "subject", "by"))
    return Entry(place.decode(), time, action, subject, by, known)
