"""Backoff: how long to wait before the next attempt."""

from __future__ import annotations

import random

__all__ = ["Backoff"]


class Backoff:
    """Full jitter: a random wait between nothing and a bound that doubles with each failure, up to *cap* seconds.

    A wait that is only partly random keeps together clients that one outage brought together.
    """

    def __init__(self, *, base: float = 0.5, cap: float = 30.0) -> None:
        self.base = base
        self.cap = cap
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait, one failure later."""
        # Exponents are bounded: 2.0 ** 1024 overflows after a long night.
        bound = min(self.cap, self.base * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return random.uniform(0, bound)  # noqa: S311  # spreads load, keeps no secret

    def reset(self) -> None:
        """The last attempt succeeded."""
        self._failures = 0
