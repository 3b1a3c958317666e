"""Vouchers: random texts that stand for a caller for a while, kept in Redis by their digest.

A browser's session is one that is shown many times; a ticket for a WebSocket is one that is shown once.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from typing import cast

import orjson
from redis.asyncio import Redis

from livefeed.grants import Caller, grants_to_dict, parse_grants

__all__ = ["Vouchers"]

_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


class Vouchers:
    """Vouchers of one *kind* (`session`, `ticket`), each counting for *lifetime* seconds."""

    def __init__(self, redis: Redis, kind: str, lifetime: int, *, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._kind = kind
        self._lifetime = lifetime
        self._clock = clock

    async def make(self, caller: Caller) -> tuple[str, float]:
        """A voucher for *caller*, and when it stops counting: never later than what *caller* showed."""
        text = secrets.token_urlsafe(32)
        now = self._clock()
        expires = now + self._lifetime if caller.expires is None else min(caller.expires, now + self._lifetime)
        value = [caller.subject, grants_to_dict(caller.grants), caller.expires, caller.key_id, caller.session, expires]
        await self._redis.set(self._name(text), orjson.dumps(value), px=max(1, int((expires - now) * 1000)))
        return text, expires

    async def find(self, text: str) -> tuple[Caller, float] | None:
        """For whom *text* was made, and until when it counts."""
        if _FORM.fullmatch(text) is None:
            return None
        return self._read(cast("bytes | None", await self._redis.get(self._name(text))))

    async def take(self, text: str) -> Caller | None:
        """The same, once: Redis gives it to one of any number who ask at the same moment."""
        if _FORM.fullmatch(text) is None:
            return None
        found = self._read(cast("bytes | None", await self._redis.getdel(self._name(text))))
        return found and found[0]

    async def end(self, text: str) -> None:
        await self._redis.delete(self._name(text))

    async def ended(self, marks: set[str]) -> set[str]:
        """Those of *marks* (see `mark`) whose voucher counts no more."""
        ordered = sorted(marks)
        pipeline = self._redis.pipeline(transaction=False)
        for mark in ordered:
            pipeline.exists(f"livefeed:{self._kind}:{mark}")
        return {mark for mark, exists in zip(ordered, await pipeline.execute(), strict=True) if not exists}

    @staticmethod
    def mark(text: str) -> str:
        """What names a voucher without being one."""
        return sha256(text.encode()).hexdigest()

    def _name(self, text: str) -> str:
        return f"livefeed:{self._kind}:{self.mark(text)}"

    def _read(self, data: bytes | None) -> tuple[Caller, float] | None:
        if data is None:
            return None
        subject, grants, expires, key_id, session, until = orjson.loads(data)
        if until <= self._clock():
            return None
        return Caller(subject, parse_grants(grants), expires, key_id, session), until
