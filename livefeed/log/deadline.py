"""The deadline of a change: the caller gets an answer even when Redis gives none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from livefeed.exceptions import Unavailable

__all__ = ["DEADLINE", "in_time"]

DEADLINE = 1.8
"""Seconds. Changes are promised an answer within 2 s; each takes several commands, which may wait for a free connection."""


class Timed(Protocol):
    """Whose changes have a deadline, in seconds."""

    @property
    def deadline(self) -> float: ...


P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound=Timed)


def in_time(change: Callable[Concatenate[S, P], Coroutine[Any, Any, T]]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Let the method *change* raise `Unavailable` after its owner's deadline. The change may take effect nevertheless."""

    @wraps(change)
    async def timed(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            async with asyncio.timeout(self.deadline):
                return await change(self, *args, **kwargs)
        except TimeoutError:
            raise Unavailable("Redis did not answer in time; it is safe to repeat the request", retry_after=2) from None

    return timed
