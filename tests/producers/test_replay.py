from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from livefeed import Outbox
from producers.replay import replay
from tests.producers.outboxes import waiting
from tests.waiting import until


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    async with Outbox(tmp_path / "replay.sqlite") as outbox:
        yield outbox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "recording"
    times = ("12:00:00.000", "12:00:02.000", "12:00:01.000", "12:00:03.000")
    lines = [json.dumps({"headline": f"{n}.", "contentCreated": f"2026-11-23T{time}Z"}) for n, time in enumerate(times, start=1)]
    path.write_text("\n".join(lines))
    return path


async def test_the_order_is_the_files_and_the_pace_its_times(outbox: Outbox, path: Path) -> None:
    started = asyncio.get_running_loop().time()
    assert await replay(outbox, path, "world", speed=30)
    # Three seconds of the recording: no less than a thirtieth of them have passed.
    assert asyncio.get_running_loop().time() - started >= 0.1
    assert [each.item["headline"] for each in waiting(outbox)] == ["1.", "2.", "3.", "4."]
    assert {each.op for each in waiting(outbox)} == {"upsert"}
    assert waiting(outbox)[0].item["contentCreated"] == "2026-11-23T12:00:00.000Z"


async def test_it_goes_on_where_it_was(outbox: Outbox, path: Path) -> None:
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:2]))
    await replay(outbox, path, "world", speed=0)
    path.write_text("\n".join(lines))
    await replay(outbox, path, "world", speed=0)
    await replay(outbox, path, "world", speed=0)
    assert [each.item["headline"] for each in waiting(outbox)] == ["1.", "2.", "3.", "4."]


async def test_rounds_are_new_items_with_the_time_of_their_replay(outbox: Outbox, path: Path) -> None:
    playing = asyncio.create_task(replay(outbox, path, "world", speed=0, loop=True, fresh=True))

    async def two_rounds() -> bool:
        return await outbox.pending() >= 8

    await until(two_rounds)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    items = [each.item for each in waiting(outbox)][:8]
    assert [item["headline"] for item in items] == ["1.", "2.", "3.", "4."] * 2
    assert len({item["uri"] for item in items}) == 8
    assert all(item["contentCreated"] > "2026-11-23T12:00:03" for item in items)
