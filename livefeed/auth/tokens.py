"""Tokens: JWTs signed by an identity provider or by `livefeed token` (RFC 7519, RFC 8725)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import jwt

from livefeed.auth.jwks import KeySet, SigningKey
from livefeed.exceptions import ConfigError, Invalid, Unauthorized, Unavailable
from livefeed.grants import Caller, parse_grants

__all__ = ["TokenRules", "Tokens", "check_claims"]

LONGEST = 8192
"""Maximum size in bytes: longer tokens are rejected without being parsed."""
MOST_LEEWAY = 30
MOST_CANDIDATES = 4
"""Keys that are tried for a token that names none: each costs a signature check."""
REMEMBERED = 4096

# PyJWT would accept a missing exp, one in a string and one in the year 3 billion; `check_claims` does not.
_SIGNATURE_ONLY: Any = dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss"), False)
_SIGNATURE_ONLY |= {"verify_sub": False, "verify_jti": False, "require": []}


@dataclass(frozen=True, slots=True)
class TokenRules:
    """The required claims of a token. The leeway is for issuers whose clock is ahead; it does not apply to `exp`."""

    audience: str = "livefeed"
    issuer: str | None = None
    max_lifetime: int = 86_400
    leeway: int = 10

    def __post_init__(self) -> None:
        if not 0 <= self.leeway <= MOST_LEEWAY:
            raise ConfigError(f"the leeway for tokens is 0 to {MOST_LEEWAY} seconds")
        if self.max_lifetime < 1 or not self.audience:
            raise ConfigError("tokens need an audience, and a longest lifetime above 0 seconds")


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e11 < value < 1e11:
        raise Unauthorized(f"the token's {name} is not a number of seconds since 1970")
    return float(value)


def check_claims(claims: Mapping[str, Any], rules: TokenRules, now: float, key_id: str) -> Caller:
    """The caller that *claims* describe; raises `Unauthorized` with the first invalid claim."""
    expires = _seconds(claims, "exp")
    if expires is None:
        raise Unauthorized("the token has no exp: tokens must expire")
    if expires <= now:
        raise Unauthorized("the token has expired")
    issued = _seconds(claims, "iat")
    if issued is not None and issued > now + rules.leeway:
        raise Unauthorized("the token's iat is in the future")
    start = now if issued is None else min(now, issued)
    if expires - start > rules.max_lifetime + rules.leeway:
        raise Unauthorized(f"the token has a lifetime of more than {rules.max_lifetime} seconds, the limit of this server")
    not_before = _seconds(claims, "nbf")
    if not_before is not None and not_before > now + rules.leeway:
        raise Unauthorized("the token is not valid yet (nbf)")
    audience = claims.get("aud")
    if rules.audience not in (audience if isinstance(audience, list) else [audience]):
        raise Unauthorized(f"the token is not for this server: its aud must be {rules.audience!r}")
    if rules.issuer is not None and claims.get("iss") != rules.issuer:
        raise Unauthorized("the token's iss is not the issuer that this server trusts")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 256 or not subject.isprintable():
        raise Unauthorized("the token's sub must be 1 to 256 printable characters")
    try:
        grants = parse_grants(claims.get("livefeed", {}), "/livefeed")
    except Invalid as error:
        raise Unauthorized(f"the token's grants cannot be read: {error}") from None
    return Caller(subject, grants, expires, key_id)


class Tokens:
    """Verifies tokens, and caches verified ones by digest."""

    def __init__(self, keys: KeySet, rules: TokenRules, *, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._rules = rules
        self._clock = clock
        self._verified: OrderedDict[bytes, Caller] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """The caller whom *token* names; raises `Unauthorized`, or `Unavailable` while the keys have not been fetched."""
        if len(token) > LONGEST:
            raise Unauthorized(f"the token is longer than {LONGEST} bytes")
        digest = sha256(token.encode()).digest()
        caller = self._verified.get(digest)
        if caller is None:
            caller = await self._verify(token)
            self._verified[digest] = caller
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)
        elif caller.expires is not None and caller.expires <= self._clock():
            del self._verified[digest]
            raise Unauthorized("the token has expired")
        return caller

    async def _verify(self, token: str) -> Caller:
        header = _header(token)
        candidates = self._candidates(header)
        if not candidates:
            await self.refresh(wanted=True)
            candidates = self._candidates(header)
        if not candidates and not self._keys.is_ready:
            raise Unavailable("the keys that tokens are checked with cannot be fetched at the moment", retry_after=5)
        for key in candidates:
            try:
                claims = jwt.decode(token, key.material, algorithms=[key.algorithm], options=_SIGNATURE_ONLY)
            except (jwt.InvalidSignatureError, jwt.InvalidKeyError):
                continue
            except (jwt.PyJWTError, ValueError, RecursionError):
                raise Unauthorized("the token cannot be read") from None
            return check_claims(claims, self._rules, self._clock(), f"jwt:{key.mark}:{_name(token)}")
        raise Unauthorized("the token is not signed with a key that this server knows")

    def _candidates(self, header: Mapping[str, Any]) -> list[SigningKey]:
        # The id is only compared: it is never a path, an address or part of a query.
        kid, algorithm = header.get("kid"), header.get("alg")
        keys = [
            key for key in self._keys.keys if key.algorithm == algorithm and (kid is None or key.kid is None or key.kid == kid)
        ]
        return keys[:MOST_CANDIDATES]

    async def refresh(self, *, wanted: bool = False) -> bool:
        """Load rotated keys, and forget the tokens that were verified with earlier ones. Returns whether the keys changed."""
        changed = await self._keys.refresh(wanted=wanted)
        if changed:
            self._verified.clear()
        return changed

    def holds(self, key_id: str) -> bool:
        """Whether the key that signed the token with this id is still trusted."""
        return any(key_id.startswith(f"jwt:{key.mark}:") for key in self._keys.keys)


def _name(token: str) -> str:
    """The id of a token, derived from the signed part only: a signature has several valid encodings (padding, and other values
    with ES256), and a revoked token must not become valid in another encoding."""
    return sha256(token.rpartition(".")[0].encode()).hexdigest()[:16]


def _header(token: str) -> Mapping[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise Unauthorized("the credential is not a key or token that this server knows") from None
    if "crit" in header or "b64" in header:
        raise Unauthorized("the token has critical extensions, which this server does not support")
    kid = header.get("kid")
    if kid is not None and (not isinstance(kid, str) or len(kid) > 256):
        raise Unauthorized("the token's kid is not a short string")
    return header
