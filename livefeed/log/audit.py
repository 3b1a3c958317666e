"""The audit trail: who published, changed, held and killed what, and who created and revoked keys.

One stream for the whole server, `livefeed:audit`, appended to and never rewritten. It names things (feed, item, event, key) and
never contains an item's text or a secret. Each record is logged at once and written to Redis in the background: a publish does
not wait for it, and while Redis is full or unreachable records are delayed instead of lost. A record whose reply was lost is
sent again, so it can appear twice, but none is lost while the process lives.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from livefeed.counters import Counters
from livefeed.events import rfc3339
from livefeed.exceptions import Unavailable
from livefeed.grants import Caller
from livefeed.log.scripts import command, commands, unavailable
from livefeed.ticks import pause

__all__ = ["Audit", "Entry"]

STREAM = "livefeed:audit"
KEPT = 1_000_000
"""Records that the trail keeps."""
BATCH = 500
GATHER = 0.5
"""Seconds for which records are collected before they are written."""
RETRY = 1.0

_Row = tuple[bytes, dict[bytes, bytes]]

log = structlog.get_logger("livefeed.audit")


@dataclass(frozen=True, slots=True)
class Entry:
    """One record."""

    id: str
    """Its stream id, to continue paging from."""
    time: str
    action: str
    subject: str
    by: str
    """The id of the caller's key or token."""
    details: dict[str, str]


class Audit:
    """Takes records without waiting; `run` writes them to Redis, which keeps the last `KEPT`.

    While Redis is unavailable at most *waiting* are buffered; further ones are only logged.
    """

    def __init__(self, redis: Redis, counters: Counters, *, waiting: int = 10_000) -> None:
        self._redis = redis
        self._counters = counters
        self._most_waiting = waiting
        self._log = log.bind()
        self._waiting: deque[list[str]] = deque()
        self._bell = asyncio.Event()
        self._moving = asyncio.Lock()

    def record(
        self, action: str, caller: Caller, *, feed: str = "", item: str = "", cursor: str = "", key: str = "", note: str = ""
    ) -> None:
        """Record that *caller* did *action* (`item.published`, `key.made` …). *note* must not contain text from the request."""
        named = {"feed": feed, "item": item, "cursor": cursor, "key": key, "note": note}
        shown = {name: value for name, value in named.items() if value}
        self._log.info("audit", action=action, subject=caller.subject, by=caller.key_id, **shown)
        if len(self._waiting) >= self._most_waiting:
            self._counters.audit_dropped += 1
            return
        # The stream id has the time at which Redis took the record, which may be later.
        now = rfc3339(time.time_ns() // 1_000_000)
        fields = {"time": now, "action": action, "subject": caller.subject, "by": caller.key_id, **shown}
        self._waiting.append([word for pair in fields.items() for word in pair])
        self._bell.set()

    async def run(self) -> None:
        """Write records to Redis until cancelled."""
        while True:
            await self._bell.wait()
            # Writing each record by itself was a fifth of the cost of a publish.
            await pause(GATHER)
            self._bell.clear()
            try:
                await self.flush()
            except Unavailable as error:
                log.warning("the audit trail is waiting for Redis", error=str(error), waiting=len(self._waiting))
                await asyncio.sleep(RETRY)
                self._bell.set()

    async def close(self) -> None:
        """Write the remaining records."""
        try:
            await self.flush()
        except Unavailable as error:
            log.warning("the last audit records could not be written to Redis", error=str(error), left=len(self._waiting))

    async def flush(self) -> None:
        """Return when everything recorded so far is in Redis."""
        async with self._moving:
            while self._waiting:
                batch = [self._waiting[i] for i in range(min(BATCH, len(self._waiting)))]
                wanted: list[tuple[str | int, ...]] = [("XADD", STREAM, "MAXLEN", "~", KEPT, "*", *fields) for fields in batch]
                for answer in await commands(self._redis, wanted):
                    if isinstance(answer, RedisError):
                        raise unavailable(answer) from answer
                for _ in batch:
                    self._waiting.popleft()

    async def read(self, *, before: str = "+", limit: int = 100) -> list[Entry]:
        """The newest *limit* records older than the one with the id *before*, newest first."""
        await self.flush()
        top = before if before == "+" else f"({before}"
        rows = cast("list[_Row]", await command(self._redis, "XREVRANGE", STREAM, top, "-", "COUNT", limit))
        return [_entry(*row) for row in rows]


def _entry(place: bytes, fields: dict[bytes, bytes]) -> Entry:
    known = {name.decode(): value.decode("utf-8", "replace") for name, value in fields.items()}
    time, action, subject, by = (known.pop(name, "") for name in ("time", "action", "subject", "by"))
    return Entry(place.decode(), time, action, subject, by, known)
