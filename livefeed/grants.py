"""Grants: who may do what on which feeds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar, Protocol

from livefeed.exceptions import FieldError, Forbidden, Invalid, Unauthorized

__all__ = ["Authority", "Caller", "Grants", "Role", "grants_to_dict", "parse_grants"]


class Role(IntEnum):
    """Each role includes the lower ones: an editor may publish, a publisher may read."""

    READ = 1
    CONTRIBUTE = 2
    PUBLISH = 3
    EDIT = 4
    ADMIN = 5


Grants = Mapping[Role, tuple[str, ...]]
"""The feed patterns on which each role is granted. `Role.ADMIN` applies to the whole server."""

MAX_PATTERNS = 100
_PATTERN = re.compile(r"\*|[a-z0-9][a-z0-9._-]{0,63}|[a-z0-9][a-z0-9._-]{0,61}\.\*|[a-z0-9]\.\*")
_FEED_ROLES = {"read": Role.READ, "contribute": Role.CONTRIBUTE, "publish": Role.PUBLISH, "edit": Role.EDIT}


def _matches(pattern: str, feed: str) -> bool:
    """`*` matches every feed, `sport.*` every feed whose name begins with `sport.`, anything else one feed."""
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return feed.startswith(pattern[:-1]) and len(feed) > len(pattern) - 1
    return pattern == feed


def parse_grants(value: object, pointer: str = "") -> dict[Role, tuple[str, ...]]:
    """Read `{"read": ["*"], "publish": ["world", "sport.*"], "admin": true}`; raise `Invalid` naming what is wrong."""
    if not isinstance(value, Mapping):
        raise Invalid(FieldError(pointer, "type", "grants must be an object of roles, each with an array of feed patterns"))
    errors: list[FieldError] = []
    grants: dict[Role, tuple[str, ...]] = {}
    for name, patterns in value.items():
        where = f"{pointer}/{name}"
        if name == "admin":
            if not isinstance(patterns, bool):
                errors.append(FieldError(where, "type", "admin must be true or false"))
            elif patterns:
                grants[Role.ADMIN] = ("*",)
        elif name not in _FEED_ROLES:
            errors.append(
                FieldError(where, "unknown", f"{str(name)[:80]!r} is not a role: use read, contribute, publish, edit or admin")
            )
        elif problem := _check_patterns(patterns):
            errors.append(FieldError(where, "pattern", f"{name} {problem}"))
        elif patterns:
            grants[_FEED_ROLES[name]] = tuple(patterns)
    if errors:
        raise Invalid(*errors)
    return grants


def _check_patterns(patterns: object) -> str:
    if not isinstance(patterns, list | tuple) or not all(isinstance(pattern, str) for pattern in patterns):
        return "must be an array of feed patterns"
    if len(patterns) > MAX_PATTERNS:
        return f"must have at most {MAX_PATTERNS} feed patterns"
    for pattern in patterns:
        if _PATTERN.fullmatch(pattern) is None:
            return f"has the pattern {pattern[:80]!r}: use '*', a feed name or a prefix such as 'sport.*'"
    return ""


def grants_to_dict(grants: Grants) -> dict[str, object]:
    """The inverse of `parse_grants`."""
    shown: dict[str, object] = {
        role.name.lower(): list(feeds) for role, feeds in sorted(grants.items()) if role is not Role.ADMIN
    }
    return {**shown, "admin": True} if grants.get(Role.ADMIN) else shown


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request, and what it may do."""

    subject: str = ""
    grants: Grants = field(default_factory=dict)
    expires: float | None = None
    """When the credential expires (seconds since the epoch): live connections of this caller end then."""
    key_id: str = ""
    """Identifies the key or token for revocation, rate limits and the audit trail; never the secret itself."""
    session: str = ""
    """The browser session of the request, if any: when it ends, live connections of this caller end too."""

    ANONYMOUS: ClassVar[Caller]

    @property
    def is_admin(self) -> bool:
        return bool(self.grants.get(Role.ADMIN))

    def may(self, role: Role, feed: str) -> bool:
        if self.is_admin:
            return True
        return any(granted >= role and any(_matches(p, feed) for p in feeds) for granted, feeds in self.grants.items())

    def require(self, role: Role, feed: str) -> None:
        """Raise `Unauthorized` when no credential was shown, `Forbidden` when the one shown does not grant *role* on *feed*."""
        if self.may(role, feed):
            return
        if not self.subject:
            raise Unauthorized(f"to {role.name.lower()} on {feed!r} send 'Authorization: Bearer KEY'")
        raise Forbidden(f"this credential does not grant {role.name.lower()} on {feed!r}")

    def require_admin(self) -> None:
        """The same for what concerns the whole server: keys, feed settings, the audit trail."""
        if self.is_admin:
            return
        if not self.subject:
            raise Unauthorized("this needs an admin key: send 'Authorization: Bearer KEY'")
        raise Forbidden("this credential does not grant admin")


Caller.ANONYMOUS = Caller()


class Authority(Protocol):
    """Checks credentials of live connections. The auth middleware puts it at `scope["livefeed.authority"]`."""

    async def identify(self, credential: str) -> Caller:
        """The caller that this key or token belongs to. Raises `Unauthorized`, `Unavailable`."""

    def watch(self, caller: Caller, end: Callable[[str], object]) -> Callable[[], None]:
        """Call *end* once, from the event loop, with `expired` or `revoked` when *caller*'s credential becomes invalid.

        Returns a function that stops watching. A caller without a credential is never ended.
        """

    def charge(self, caller: Caller, count: int) -> None:
        """Count *count* publishes of *caller*. Raises `TooManyRequests` when its rate limit is reached."""
