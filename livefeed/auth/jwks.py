"""The keys that tokens are signed with: a secret, a JWKS file or a JWKS URL, reloaded when they change.

Each key is bound to one algorithm when it is read, so that a token's header can select a key but not how it is used. A weak key
prevents the server's start; in a later update it is rejected with a warning, and the previous keys stay in use.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError
from jwt.utils import base64url_encode

from livefeed.auth.secretfile import SHORTEST
from livefeed.exceptions import ConfigError
from livefeed.hosts import is_loopback

__all__ = ["KeySet", "SigningKey", "read_jwks"]

ALGORITHMS = {("oct", None): "HS256", ("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
"""By key type and curve."""
LARGEST = 256 * 1024
SHORTEST_RSA = 2048
RETRY = 30.0
"""Seconds between two fetches that unknown key ids can cause."""
REFRESH = 300.0
"""Seconds between two fetches otherwise: a key that was withdrawn is accepted for this long at most."""
TIMEOUT = 5.0

log = structlog.get_logger("livefeed.auth")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key, its algorithm, and a *mark* that identifies it without revealing anything."""

    kid: str | None
    algorithm: str
    material: PyJWK
    mark: str


def read_jwk(data: object, *, symmetric: bool) -> SigningKey | None:
    """Read one key of a set; None unless it is for HS256, RS256, ES256 or EdDSA signatures."""
    if not isinstance(data, dict):
        raise ConfigError("the JWKS has a key that is not an object")
    kid = data.get("kid")
    shown = f"the JWKS key {kid!r}"
    if data.get("use", "sig") != "sig" or "verify" not in data.get("key_ops", ["verify"]):
        return None
    kind = data.get("kty")
    algorithm = ALGORITHMS.get((str(kind), data.get("crv")))
    if algorithm is None or data.get("alg", algorithm) != algorithm:
        log.info("ignoring a token key for another algorithm", kid=kid)
        return None
    if kind == "oct" and not symmetric:
        raise ConfigError(f"{shown} is a shared secret, which must not be published at a URL")
    if kid is not None and not isinstance(kid, str):
        raise ConfigError(f"{shown} has a kid that is not a string")
    try:
        material = PyJWK({name: value for name, value in data.items() if name not in _PRIVATE or kind == "oct"}, algorithm)
    except (PyJWTError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"{shown} cannot be read: {type(error).__name__}") from None
    _check_strength(material, algorithm, shown)
    return SigningKey(kid, algorithm, material, _mark(data))


_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def _mark(data: dict[str, Any]) -> str:
    return sha256(b"mark of " + orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest()[:8]


def _check_strength(material: PyJWK, algorithm: str, shown: str) -> None:
    key = material.key
    if algorithm == "HS256" and len(key) < SHORTEST:
        raise ConfigError(f"{shown} is too short: HS256 needs {SHORTEST} bytes or more")
    if isinstance(key, RSAPublicKey) and key.key_size < SHORTEST_RSA:
        raise ConfigError(f"{shown} is too short: RS256 needs {SHORTEST_RSA} bits or more")


def read_jwks(data: bytes, *, symmetric: bool) -> tuple[SigningKey, ...]:
    """Read a JSON Web Key Set (RFC 7517); *symmetric* says whether shared secrets may be in it."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise ConfigError("the JWKS is not a JSON object") from None
    if not isinstance(value, dict) or not isinstance(value.get("keys"), list):
        raise ConfigError("the JWKS has no array 'keys'")
    keys = [key for key in (read_jwk(entry, symmetric=symmetric) for entry in value["keys"]) if key is not None]
    if not keys:
        raise ConfigError("the JWKS has no signing key")
    return tuple(keys)


def secret_key(secret: str) -> SigningKey:
    """The HS256 key of a shared secret."""
    if len(secret.encode()) < SHORTEST:
        raise ConfigError(f"the secret that signs tokens is too short: HS256 needs {SHORTEST} characters or more")
    data = {"kty": "oct", "alg": "HS256", "k": base64url_encode(secret.encode()).decode()}
    return SigningKey(None, "HS256", PyJWK(data), _mark(data))


class KeySet:
    """The keys of *secret* and of the JWKS at *source*, a path or an https URL.

    A URL is fetched again after *refresh* seconds, and after *retry* seconds when a token names a key that is not known.
    """

    def __init__(
        self, *, secret: str | None = None, source: str | None = None, refresh: float = REFRESH, retry: float = RETRY
    ) -> None:
        self._fixed = (secret_key(secret),) if secret else ()
        self._source = source
        self._refresh_after = refresh
        self._retry_after = retry
        self._is_address = source is not None and "://" in source
        self._found: tuple[SigningKey, ...] = ()
        self._stamp: tuple[int, int] | None = None
        self._asked: float | None = None
        self._asking = asyncio.Lock()
        if source is None:
            return
        if self._is_address:
            self._check_address(source)
        else:
            self._read_file(Path(source))

    @staticmethod
    def _check_address(source: str) -> None:
        parts = urlsplit(source)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ConfigError("the JWKS address must begin with https://: whoever can change the keys can sign tokens")

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        return self._fixed + self._found

    @property
    def is_ready(self) -> bool:
        """False until the JWKS URL has responded once."""
        return not self._is_address or bool(self._found)

    def _read_file(self, path: Path) -> bool:
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return False
            found = read_jwks(path.read_bytes(), symmetric=True)
        except OSError as error:
            raise ConfigError(f"the JWKS file {path} cannot be read: {error.strerror}") from None
        self._stamp = stamp
        return self._take(found)

    def _take(self, found: tuple[SigningKey, ...]) -> bool:
        changed = {key.mark for key in found} != {key.mark for key in self._found}
        self._found = found
        return changed

    async def refresh(self, *, wanted: bool = False) -> bool:
        """Reload the keys if it is time to. *wanted*: a token names an unknown key. Returns whether the keys changed."""
        if self._source is None:
            return False
        # Concurrent requests wait for one fetch.
        async with self._asking:
            return await self._refresh(wanted=wanted)

    async def _refresh(self, *, wanted: bool) -> bool:
        assert self._source is not None
        now = time.monotonic()
        # A token can name any key id, so fetches that it causes are rate-limited.
        pause = self._retry_after if wanted or not self._found else self._refresh_after
        if self._is_address and self._asked is not None and now - self._asked < pause:
            return False
        self._asked = now
        try:
            return self._take(await self._fetch()) if self._is_address else self._read_file(Path(self._source))
        except (ConfigError, httpx2.HTTPError) as error:
            log.warning("the token keys could not be reloaded", source=self._source, error=str(error) or type(error).__name__)
            return False

    async def _fetch(self) -> tuple[SigningKey, ...]:
        assert self._source is not None
        async with (
            httpx2.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", self._source, headers={"accept": "application/jwk-set+json, application/json"}) as answer,
        ):
            if answer.status_code != 200:
                raise ConfigError(f"the JWKS address answered {answer.status_code}")
            data = b""
            async for chunk in answer.aiter_bytes():
                data += chunk
                if len(data) > LARGEST:
                    raise ConfigError(f"the JWKS address sent more than {LARGEST} bytes")
        return read_jwks(data, symmetric=False)
