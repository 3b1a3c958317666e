"""Vouchers: random strings that represent a caller for a limited time, stored in Redis by digest.

A browser's session can be used many times, a ticket for a WebSocket once.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from hashlib import sha256

import orjson
from redis.asyncio import Redis

from livefeed.grants import Caller, grants_to_dict, parse_grants
from livefeed.log.scripts import command

__all__ = ["Vouchers"]

_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


class Vouchers:
    """Vouchers of one *kind* (`session`, `ticket`), each valid for *lifetime* seconds."""

    def __init__(self, redis: Redis, kind: str, lifetime: int, *, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._kind = kind
        self._lifetime = lifetime
        self._clock = clock

    async def make(self, caller: Caller) -> tuple[str, float]:
        """A voucher for *caller*, and its expiry, which is never later than that of the credential."""
        text = secrets.token_urlsafe(32)
        now = self._clock()
        expires = now + self._lifetime if caller.expires is None else min(caller.expires, now + self._lifetime)
        value = [caller.subject, grants_to_dict(caller.grants), caller.expires, caller.key_id, caller.session, expires]
        await command(self._redis, "SET", self._name(text), orjson.dumps(value), "PX", max(1, int((expires - now) * 1000)))
        return text, expires

    async def find(self, text: str) -> tuple[Caller, float] | None:
        """The caller that *text* was issued to, and its expiry."""
        if _FORM.fullmatch(text) is None:
            return None
        return self._read(await command(self._redis, "GET", self._name(text)))

    async def take(self, text: str) -> Caller | None:
        """The same, but single-use: of several concurrent requests, only one gets it."""
        if _FORM.fullmatch(text) is None:
            return None
        found = self._read(await command(self._redis, "GETDEL", self._name(text)))
        return found and found[0]

    async def end(self, text: str) -> None:
        await command(self._redis, "DEL", self._name(text))

    async def ended(self, marks: set[str]) -> set[str]:
        """Those of *marks* (see `mark`) whose voucher is no longer valid."""
        return {mark for mark in marks if not await command(self._redis, "EXISTS", f"livefeed:{self._kind}:{mark}")}

    @staticmethod
    def mark(text: str) -> str:
        """An identifier of a voucher that cannot be used as one."""
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
