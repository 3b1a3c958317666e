"""The credentials of open connections, and ending connections when these become invalid. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import TypeVar

import structlog

from livefeed.grants import Caller

__all__ = ["Watch"]

K = TypeVar("K")

log = structlog.get_logger("livefeed.auth")


class _Watched:
    __slots__ = ("caller", "end")

    def __init__(self, caller: Caller, end: Callable[[str], object]) -> None:
        self.caller = caller
        self.end = end


def _discard(index: dict[K, set[_Watched]], key: K, watched: _Watched) -> None:
    members = index.get(key)
    if members is not None:
        members.discard(watched)
        if not members:
            del index[key]


class Watch:
    """The open connections by key, and by the second in which they expire."""

    def __init__(self) -> None:
        self._by_key: dict[str, set[_Watched]] = {}
        self._by_second: dict[int, set[_Watched]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))

    def add(self, caller: Caller, end: Callable[[str], object]) -> Callable[[], None]:
        """Call *end* with a reason when *caller*'s credential becomes invalid; returns a function that stops watching."""
        watched = _Watched(caller, end)
        self._by_key.setdefault(caller.key_id, set()).add(watched)
        if caller.expires is not None:
            # The second that begins at or after the expiry: never early, at most one second late.
            self._by_second.setdefault(ceil(caller.expires), set()).add(watched)
        return lambda: self._remove(watched)

    def _remove(self, watched: _Watched) -> None:
        _discard(self._by_key, watched.caller.key_id, watched)
        if watched.caller.expires is not None:
            _discard(self._by_second, ceil(watched.caller.expires), watched)

    def expire(self, now: float) -> None:
        """End the connections whose credential has expired at *now*."""
        for second in [second for second in self._by_second if second <= now]:
            for watched in list(self._by_second.get(second, ())):
                self._end(watched, "expired")

    def revoke(self, holds: Callable[[str], bool]) -> None:
        """End the connections of every key for which *holds* returns false."""
        for key_id in [key_id for key_id in self._by_key if not holds(key_id)]:
            for watched in list(self._by_key.get(key_id, ())):
                self._end(watched, "revoked")

    def sessions(self) -> set[str]:
        """The browser sessions of open connections."""
        return {watched.caller.session for members in self._by_key.values() for watched in members if watched.caller.session}

    def end_sessions(self, ended: set[str]) -> None:
        for members in list(self._by_key.values()):
            for watched in [watched for watched in members if watched.caller.session in ended]:
                self._end(watched, "revoked")

    def _end(self, watched: _Watched, reason: str) -> None:
        self._remove(watched)
        try:
            watched.end(reason)
        except Exception:
            log.exception("a connection could not be ended", reason=reason, by=watched.caller.key_id)
