"""Replaying a recording at the pace of its own timestamps."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4, uuid5

import structlog

from livefeed import Item, Outbox
from producers.dates import rfc3339
from producers.recordings import Line, read_recording

__all__ = ["replay"]

_log = structlog.get_logger("producers.replay")


async def replay(outbox: Outbox, path: Path, feed: str, *, speed: float = 1.0, loop: bool = False, fresh: bool = False) -> bool:
    """Publish the items of *path*, *speed* times as fast as they were recorded (0: without waiting).

    Resumes where it was stopped. With *loop* it starts again at the end; with *fresh* items have the time of their replay.
    Items of a later round are new items. A repeated `uri` within a round is a new version of its item.
    """
    name = f"replay {feed} {path}"
    notes = await outbox.notes([name, f"{name} round"])
    done, turn = int(notes.get(name, 0)), notes.get(f"{name} round", "")
    while True:
        count = 0
        pace = _Pace(speed)
        for line in read_recording(path):
            if line.number <= done:
                continue
            await pace.wait(line.time)
            await outbox.put_all([(feed, _stamped(line, turn, fresh=fresh), "upsert")], notes={name: str(line.number)})
            count += 1
        _log.info("replayed", file=str(path), feed=feed, items=count)
        if not loop:
            return True
        done, turn = 0, str(uuid4())
        await outbox.put_all([], notes={name: "0", f"{name} round": turn})
        # An empty file must not result in a busy loop.
        await asyncio.sleep(0 if count else 1)


def _stamped(line: Line, turn: str, *, fresh: bool) -> Item:
    item = line.item.copy()
    if fresh:
        item["contentCreated"] = rfc3339(datetime.now(UTC))
    if turn:
        # A separate uri per round; later versions of the item in the same round get the same one.
        item["uri"] = f"urn:uuid:{uuid5(UUID(turn), item['uri'])}"
    return item


class _Pace:
    """Wait for the time between the first line and this one, divided by the speed."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._first: datetime | None = None
        self._started = 0.0

    async def wait(self, recorded: datetime) -> None:
        if self._speed == 0:
            return
        if self._first is None:
            self._first, self._started = recorded, time.monotonic()
        due = self._started + (recorded - self._first).total_seconds() / self._speed
        # A line that is out of order in the recording is due immediately.
        await asyncio.sleep(max(0.0, due - time.monotonic()))
