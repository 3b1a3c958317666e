"""Background tasks that are restarted when they fail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import structlog

from livefeed.log.cancelling import cancelled

__all__ = ["background"]

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0

_log = structlog.get_logger("livefeed.background")

Work = Callable[[], Awaitable[None]]


@contextlib.asynccontextmanager
async def background(works: Mapping[str, Work]) -> AsyncIterator[None]:
    """Run *works* while the block runs. One that fails is restarted, with a growing delay if it keeps failing at once."""
    tasks = [asyncio.create_task(_keep(name, work), name=name) for name, work in works.items()]
    try:
        yield
    finally:
        await cancelled(tasks)


async def _keep(name: str, work: Work) -> None:
    loop = asyncio.get_running_loop()
    pause = _FIRST_PAUSE
    while True:
        began = loop.time()
        try:
            await work()
            _log.error("a background task ended unexpectedly and is restarted", work=name)
        except Exception:  # noqa: BLE001  # a supervised loop: the task must keep running
            _log.exception("a background task failed and is restarted", work=name)
        pause = _FIRST_PAUSE if loop.time() - began > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
        await asyncio.sleep(pause)
