"""Waiting for what becomes true elsewhere: in another process, or on the far side of a socket."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable


async def until(check: Callable[[], Awaitable[bool] | bool], timeout: float = 30) -> None:
    """Return as soon as *check* is true; `TimeoutError` when it never is. For what cannot be awaited."""
    async with asyncio.timeout(timeout):
        while True:
            told = check()
            if await told if inspect.isawaitable(told) else told:
                return
            await asyncio.sleep(0.01)
