from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from livefeed.background import background


async def test_work_goes_on_beside() -> None:
    began = asyncio.Event()

    async def work() -> None:
        began.set()
        await asyncio.Event().wait()

    async with background({"work": work}):
        await began.wait()


async def test_failed_work_is_begun_again_and_told() -> None:
    turns = 0
    third = asyncio.Event()

    async def work() -> None:
        nonlocal turns
        turns += 1
        if turns == 1:
            raise ValueError("broken")
        if turns == 3:
            third.set()
            await asyncio.Event().wait()

    with capture_logs() as logs:
        async with background({"work": work}):
            await third.wait()
    assert [(line["event"], line["work"]) for line in logs] == [
        ("a background task failed and is restarted", "work"),
        ("a background task ended unexpectedly and is restarted", "work"),
    ]


async def test_work_ends_with_what_it_was_beside() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fail() -> None:
        async with background({"work": work}):
            await asyncio.sleep(0)
            raise ValueError("outside")

    with pytest.raises(ValueError, match="outside"):
        await fail()
    assert ended.is_set()


async def test_cancellation_that_got_lost_is_said_again() -> None:
    """As a library may lose it (`asyncio.wait_for` until Python 3.12)."""
    lost = 0

    async def work() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                lost += 1
                if lost == 2:
                    raise

    async with background({"work": work}):
        await asyncio.sleep(0)
    assert lost == 2
