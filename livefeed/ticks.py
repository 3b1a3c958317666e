"""Ticks: the moments at which periodic work is done, the same for all tasks of a worker.

A dozen tasks look after something every second or two. To wake an idle process costs more than what most of them do then, so they
wake together.
"""

from __future__ import annotations

import asyncio
import os
from math import floor

__all__ = ["STEP", "pause", "until_tick"]

STEP = 0.5
"""Seconds from one tick to the next."""

# The monotonic clock is the same for all workers of a machine: multiples of the golden ratio keep them apart.
_PHASE = os.getpid() * 0.618_034 % STEP


def until_tick(now: float, seconds: float) -> float:
    """The time from *now* to the tick that is nearest to *seconds* later, and to the next one at least."""
    passed = (now - _PHASE) / STEP
    tick = max(round(passed + seconds / STEP), floor(passed) + 1)
    return tick * STEP + _PHASE - now


async def pause(seconds: float) -> None:
    """Sleep for about *seconds*, until a tick. Rounds with such a pause between them have exactly that period."""
    await asyncio.sleep(until_tick(asyncio.get_running_loop().time(), seconds))
