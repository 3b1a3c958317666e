"""The deadline of a change: whatever Redis does, who asked is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from livefeed.exceptions import Unavailable

__all__ = ["ANSWER", "in_time"]

ANSWER = 1.8
"""Seconds. A change is answered within two, and takes several commands, each of which may wait for a free connection first."""

P = ParamSpec("P")
T = TypeVar("T")


def in_time(change: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let *change* raise `Unavailable` when it takes longer than `ANSWER`; it may have been carried out nevertheless."""

    @wraps(change)
    async def timed(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            async with asyncio.timeout(ANSWER):
                return await change(*args, **kwargs)
        except TimeoutError:
            raise Unavailable("Redis did not answer in time; it is safe to repeat the request", retry_after=2) from None

    return timed
