"""The deadline of a change: the caller gets an answer even when Redis gives none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from livefeed.exceptions import Unavailable

__all__ = ["DEADLINE", "Deadlines", "in_time"]

DEADLINE = 1.8
"""Seconds. Changes are promised an answer within 2 s; each takes several commands, which may wait for a free connection."""


class Deadlines:
    """Cancels the tasks that are still at their change after *seconds*.

    One timer for all: a change takes a millisecond, and to set and stop a timer for each costs a tenth of that.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        # In the order of their deadlines, because all have the same time.
        self._running: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, task: asyncio.Task[Any]) -> None:
        loop = task.get_loop()
        self._running[task] = loop.time() + self.seconds
        if self._timer is None:
            self._timer = loop.call_later(self.seconds, self._check, loop)

    def end(self, task: asyncio.Task[Any]) -> bool:
        """Whether the change of *task* was late, and so the task was cancelled."""
        del self._running[task]
        if task not in self._late:
            return False
        self._late.remove(task)
        return True

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for task, due in self._running.items():
            if due > now:
                self._timer = loop.call_at(due, self._check, loop)
                return
            if task not in self._late:
                self._late.add(task)
                task.cancel()


class Timed(Protocol):
    """Whose changes have a deadline."""

    @property
    def deadlines(self) -> Deadlines: ...


P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound=Timed)


def in_time(change: Callable[Concatenate[S, P], Coroutine[Any, Any, T]]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Let the method *change* raise `Unavailable` after its owner's deadline. The change may take effect nevertheless."""

    @wraps(change)
    async def timed(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        cancelling = task.cancelling()
        self.deadlines.begin(task)
        try:
            done = await change(self, *args, **kwargs)
        except asyncio.CancelledError:
            # As in `asyncio.timeout`: whoever else has cancelled the task goes before.
            if self.deadlines.end(task) and task.uncancel() <= cancelling:
                raise Unavailable("Redis did not answer in time; it is safe to repeat the request", retry_after=2) from None
            raise
        except BaseException:
            if self.deadlines.end(task):
                task.uncancel()
            raise
        if self.deadlines.end(task):
            task.uncancel()
        return done

    return timed
