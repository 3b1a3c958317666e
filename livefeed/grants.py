"""Grants: who may do what on which feeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

from livefeed.exceptions import Forbidden, Unauthorized

__all__ = ["Caller", "Role"]


class Role(IntEnum):
    """Each role may do what the ones below it may: an editor publishes, a publisher reads."""

    READ = 1
    CONTRIBUTE = 2
    PUBLISH = 3
    EDIT = 4
    ADMIN = 5


def _matches(pattern: str, feed: str) -> bool:
    """`*` is every feed, `sport.*` every feed whose name begins with `sport.`, anything else one feed."""
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return feed.startswith(pattern[:-1]) and len(feed) > len(pattern) - 1
    return pattern == feed


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, and what they were granted: for each role the patterns of feeds."""

    subject: str = ""
    grants: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)
    expires: float | None = None
    """Seconds since the epoch after which live connections of this caller end."""
    key_id: str = ""
    """The key or token that was shown, for revocation, rate limits and the audit trail; never the secret itself."""

    ANONYMOUS: ClassVar[Caller]

    def may(self, role: Role, feed: str) -> bool:
        if self.grants.get(Role.ADMIN):
            return True
        return any(granted >= role and any(_matches(p, feed) for p in feeds) for granted, feeds in self.grants.items())

    def require(self, role: Role, feed: str) -> None:
        """Raise `Unauthorized` when no credential was shown, `Forbidden` when the one shown does not grant *role* on *feed*."""
        if self.may(role, feed):
            return
        if not self.subject:
            raise Unauthorized(f"to {role.name.lower()} on {feed!r} send 'Authorization: Bearer KEY'")
        raise Forbidden(f"this credential does not grant {role.name.lower()} on {feed!r}")


Caller.ANONYMOUS = Caller()
