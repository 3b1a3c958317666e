"""API keys: named, with grants, revocable. Redis stores only their SHA-256.

A key has 256 random bits, so its digest cannot be reversed by guessing and needs neither salt nor stretching. All keys are in
one hash, `livefeed:keys`. Every worker has a copy of it, so checking a key takes no request to Redis. The field `generation`
gets a new value with each change, and `refresh` compares it, so that each worker notices a revocation within one round.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import cast

import orjson
from redis.asyncio import Redis

from livefeed.exceptions import Conflict, FieldError, Invalid
from livefeed.grants import Caller, Grants, Role, grants_to_dict, parse_grants
from livefeed.limits import Bucket, Rate
from livefeed.log.scripts import Script, command

__all__ = ["Key", "Keys"]

HASH = "livefeed:keys"
GENERATION = b"generation"
DENIED = "jwt:"
"""Prefix of the fields for tokens that were revoked before they expired."""
MOST = 10_000

_FORM = re.compile(r"lfk_([a-z2-7]{10})_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[^\W_][\w .@/-]{0,63}")
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"

# `allow-oom`: a revocation must succeed when Redis is full. The generation is random, not a counter: a counter that starts over
# after a FLUSHALL or a failover could reach the value that a worker remembers.
_SET = Script("""#!lua flags=allow-oom
if ARGV[2] == '' then
  if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
redis.call('HSET', KEYS[1], 'generation', ARGV[3])
return 1
""")


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key."""

    id: str
    name: str
    digest: str
    grants: Grants
    made: float
    made_by: str
    expires: float | None = None

    def caller(self) -> Caller:
        return Caller(self.name, self.grants, self.expires, self.id)

    def dump(self) -> bytes:
        shown = {"name": self.name, "digest": self.digest, "grants": grants_to_dict(self.grants)}
        return orjson.dumps({**shown, "made": self.made, "madeBy": self.made_by, "expires": self.expires})

    @classmethod
    def load(cls, key_id: str, data: bytes) -> Key:
        value = orjson.loads(data)
        grants = parse_grants(value["grants"])
        return cls(key_id, value["name"], value["digest"], grants, value["made"], value["madeBy"], value["expires"])


class Keys:
    """The admin key and this worker's copy of all created keys."""

    def __init__(self, redis: Redis, admin_key: str, *, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._admin_digest = sha256(admin_key.encode()).digest()
        # Sessions of an earlier admin key must not survive its change, so the key is part of its id.
        self._admin = Caller(
            "admin", {Role.ADMIN: ("*",)}, None, f"admin-{sha256(b'id of ' + self._admin_digest).hexdigest()[:8]}"
        )
        self._keys: dict[str, Key] = {}
        self._denied: dict[str, float] = {}
        self._generation: bytes | None = None
        # Requests with made-up ids must not cause unlimited requests to Redis.
        self._questions = Bucket(Rate(20, 100), time.monotonic())

    async def find(self, shown: str) -> Caller | None:
        """The caller whose key is *shown*; None if it is unknown."""
        digest = sha256(shown.encode()).digest()
        if compare_digest(digest, self._admin_digest):
            return self._admin
        form = _FORM.fullmatch(shown)
        if form is None:
            return None
        key = self._keys.get(form[1]) or await self._ask(form[1])
        if key is None or not compare_digest(bytes.fromhex(key.digest), digest):
            return None
        if key.expires is not None and key.expires <= self._clock():
            return None
        return key.caller()

    async def _ask(self, key_id: str) -> Key | None:
        """Reload, because another worker may have created the key a moment ago."""
        if self._questions.take(1, time.monotonic()):
            return None
        data = await command(self._redis, "HGET", HASH, key_id)
        if not isinstance(data, bytes):
            return None
        key = self._keys[key_id] = Key.load(key_id, data)
        # It may have been revoked since, and a round of `refresh` may know that already: the next one reads all.
        self._generation = None
        return key

    def holds(self, key_id: str) -> bool:
        """Whether the key with this id is still valid."""
        if key_id == self._admin.key_id:
            return True
        key = self._keys.get(key_id)
        return key is not None and (key.expires is None or key.expires > self._clock())

    def is_denied(self, token_id: str) -> bool:
        return token_id in self._denied

    async def refresh(self) -> bool:
        """Reload the keys if another worker changed them. Returns whether anything changed."""
        generation = cast("bytes | None", await command(self._redis, "HGET", HASH, GENERATION))
        if generation is not None and generation == self._generation:
            return False
        fields = cast("dict[bytes, bytes]", await command(self._redis, "HGETALL", HASH))
        changed = fields.get(GENERATION) != self._generation
        self._generation = fields.pop(GENERATION, None)
        named = {name.decode(): data for name, data in fields.items()}
        self._keys = {name: Key.load(name, data) for name, data in named.items() if not name.startswith(DENIED)}
        self._denied = {name: float(data) for name, data in named.items() if name.startswith(DENIED)}
        return changed

    async def _set(self, field: str, value: bytes) -> bool:
        return bool(await _SET(self._redis, [HASH], [field, value, secrets.token_hex(8)]))

    async def make(self, name: str, grants: Grants, *, by: Caller, expires: float | None = None) -> tuple[Key, str]:
        """Create a key. Its text is returned here and stored nowhere."""
        if _NAME.fullmatch(name) is None:
            rule = "a key's name is 1 to 64 letters, digits, spaces and '._@/-', beginning with a letter or digit"
            raise Invalid(FieldError("/name", "pattern", rule))
        if not grants:
            raise Invalid(FieldError("/grants", "required", "grants must have at least one role with feeds"))
        if expires is not None and expires <= self._clock():
            raise Invalid(FieldError("/expires", "future", "expires must be in the future"))
        if len(self._keys) >= MOST:
            raise Conflict(f"the limit of {MOST} keys is reached: revoke some")
        key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(10))
        text = f"lfk_{key_id}_{secrets.token_urlsafe(32)}"
        key = Key(key_id, name, sha256(text.encode()).hexdigest(), grants, self._clock(), by.subject, expires)
        await self._set(key_id, key.dump())
        self._keys[key_id] = key
        return key, text

    async def list(self) -> list[Key]:
        """All created keys, oldest first."""
        await self.refresh()
        return sorted(self._keys.values(), key=lambda key: (key.made, key.id))

    async def revoke(self, key_id: str) -> bool:
        """Revoke the key with this id. Returns whether it existed."""
        if key_id == GENERATION.decode() or key_id.startswith(DENIED):
            return False
        gone = await self._set(key_id, b"")
        self._keys.pop(key_id, None)
        return gone

    async def deny(self, token_id: str, until: float) -> None:
        """Revoke a token before it expires at *until*, and forget those that have expired since."""
        await self._set(token_id, str(until).encode())
        self._denied[token_id] = until
        for name in [name for name, end in self._denied.items() if end < self._clock()]:
            await self._set(name, b"")
            self._denied.pop(name, None)  # a round of `refresh` may have been faster
