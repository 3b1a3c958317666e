"""Deadlines: who waits for a change gets an answer in time, and whoever else ends it goes before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from livefeed.exceptions import Unavailable
from livefeed.log.deadline import Deadlines, in_time


class Changing:
    def __init__(self, seconds: float) -> None:
        self.deadlines = Deadlines(seconds)

    @in_time
    async def change(self, work: Awaitable[str]) -> str:
        return await work

    @in_time
    async def stubborn(self) -> str:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            return "done nevertheless"
        return "never"


async def done() -> str:
    return "done"


async def test_what_takes_too_long_is_unavailable_and_the_task_goes_on() -> None:
    changing = Changing(0.05)
    with pytest.raises(Unavailable, match="in time"):
        await changing.change(asyncio.sleep(30, ""))
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert await changing.change(done()) == "done"


async def test_each_has_its_own_deadline() -> None:
    changing = Changing(0.2)

    async def late() -> str:
        await asyncio.sleep(0.1)
        return await changing.change(asyncio.sleep(0.15, "done"))

    second = asyncio.create_task(late())
    with pytest.raises(Unavailable):
        await changing.change(asyncio.sleep(30, ""))
    assert await second == "done"


async def test_who_cancels_it_cancels_it() -> None:
    changing = Changing(30)
    task = asyncio.create_task(changing.change(asyncio.sleep(30, "")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_at_the_deadline_is_not_taken_for_it() -> None:
    changing = Changing(30)
    task = asyncio.create_task(changing.change(asyncio.sleep(30, "")))
    await asyncio.sleep(0)
    changing.deadlines.seconds = 0
    changing.deadlines._running[task] = 0
    changing.deadlines._check(asyncio.get_running_loop())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_is_an_error_and_a_result_a_result_also_when_they_are_late() -> None:
    changing = Changing(0.05)
    assert await changing.stubborn() == "done nevertheless"

    async def fails() -> str:
        try:
            await asyncio.sleep(30)
        finally:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await changing.change(fails())
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
