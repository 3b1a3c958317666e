"""Exponential backoff with full jitter."""

from __future__ import annotations

import random

__all__ = ["Backoff"]


class Backoff:
    """A random wait between zero and a bound that starts at *base* seconds and doubles with each failure, up to *cap*.

    With less jitter, clients that were disconnected by one outage would stay synchronised.
    """

    def __init__(self, *, base: float = 0.5, cap: float = 30.0) -> None:
        self.base = base
        self.cap = cap
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait, one failure later."""
        # The exponent is bounded because 2.0 ** 1024 overflows.
        bound = min(self.cap, self.base * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return random.uniform(0, bound)  # noqa: S311  # spreads load, keeps no secret

    def reset(self) -> None:
        """The last attempt succeeded."""
        self._failures = 0
