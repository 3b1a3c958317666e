"""Cancelling tasks that use Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

__all__ = ["cancelled"]


async def cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel *tasks* and wait until they have ended.

    Once is not enough: redis-py sends under `asyncio.wait_for`, which before Python 3.12 drops a cancellation that arrives in the
    same turn in which the wait ends (python/cpython#86296), and the task would continue.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        # Long enough for a task to clean up: the next cancellation would interrupt that.
        _, pending = await asyncio.wait(pending, timeout=1.0)
