"""Ending tasks that talk to Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

__all__ = ["cancelled"]


async def cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel *tasks* and wait until they have ended.

    Once is not enough: redis-py sends under `asyncio.wait_for`, which before Python 3.12 drops a cancellation that comes in the
    same turn as the end of what it waits for (python/cpython#86296), and the loop that was to end goes on.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        # Long enough for what a task still closes: the next cancellation would break that off.
        _, pending = await asyncio.wait(pending, timeout=1.0)
