"""Background work: every task has an owner, and none ends in silence."""

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
    """Run *works* beside what happens inside; one that fails is begun again, slower each time it fails at once."""
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
            _log.error("background work ended by itself and is begun again", work=name)
        except Exception:  # noqa: BLE001  # whatever it was, the work goes on
            _log.exception("background work failed and is begun again", work=name)
        pause = _FIRST_PAUSE if loop.time() - began > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
        await asyncio.sleep(pause)
