"""The common part of all producers: runs a job that puts items into an outbox, and sends them, until both are done."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from livefeed import Livefeed, Outbox, data_dir

__all__ = ["Job", "run", "state_path"]

_log = structlog.get_logger("producers")

Job = Callable[[Outbox], Awaitable[bool]]
"""Puts items until it is done or cancelled. Returns whether there was no error."""

GRACE = 10.0
"""Seconds for sending pending items after a signal: less than the usual 30 of a process manager."""


def state_path(name: str, *parts: str) -> Path:
    """The default path of a producer's outbox: one per job, so that two jobs do not share one."""
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
    return data_dir() / "producers" / f"{name}-{digest}.sqlite"


async def run(job: Job, *, lf: Livefeed, path: Path, once: bool = False, patience: float = 30.0) -> int:
    """Run *job* and send the items that it puts. Returns the exit status.

    With *once*, all items have been sent when this returns, or after *patience* seconds are reported as pending. On SIGINT or
    SIGTERM the job ends, and pending items are sent for a limited time; the rest is sent at the next start.
    """
    async with lf, Outbox(path) as outbox:
        sending = asyncio.create_task(outbox.run(lf), name="sending")
        working = asyncio.ensure_future(job(outbox))
        stopped = _on_signal(working)
        try:
            await asyncio.wait([sending, working], return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                await sending
            good = False
            with contextlib.suppress(asyncio.CancelledError):
                good = await working
            left = await _last_chance(outbox, patience if once and not stopped.is_set() else GRACE)
        finally:
            for task in (working, sending):
                task.cancel()
            await asyncio.gather(working, sending, return_exceptions=True)
    if left:
        _log.error("items wait for the next start", waiting=left, outbox=str(path))
    return 0 if (good or stopped.is_set()) and not left else 1


def _on_signal(working: asyncio.Future[bool]) -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        # A second signal has its default action and ends the process immediately. Nothing is lost.
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        stopped.set()
        working.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return stopped


async def _last_chance(outbox: Outbox, seconds: float) -> int:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await outbox.join()
    return await outbox.pending()
