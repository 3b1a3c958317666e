"""A log that was cut, refilled, deleted or replaced from outside: each position is continued exactly, or told its hole."""

from __future__ import annotations

from redis.asyncio import Redis

from livefeed.cursors import BIRTH, Cursor
from livefeed.holes import Hole, NoFeed
from livefeed.log.eventlog import EventLog
from tests.log.appending import FEED, append, published, read


async def test_cursors_of_another_history_are_lost(log: EventLog) -> None:
    cursors = [await append(log, published()) for _ in range(3)]
    last = cursors[2]

    assert await log.read(FEED, Cursor(last.ms, 4)) == Hole("lost")
    assert await log.read(FEED, Cursor(last.ms + 1, 3)) == Hole("lost")
    assert await log.read(FEED, Cursor(cursors[1].ms - 1, 2)) == Hole("lost")


async def test_a_deleted_log_is_a_hole_for_whoever_was_behind_and_for_nobody_else(log: EventLog, redis: Redis) -> None:
    cursors = [await append(log, published()) for _ in range(3)]
    await redis.delete(f"livefeed:{{{FEED}}}:log")

    assert await log.read(FEED, cursors[0]) == Hole("trimmed", (2, 3))
    assert await read(log, cursors[2]) == []

    following = await append(log, published())

    assert following.seq == 4
    assert await read(log, cursors[2]) == [4]
    assert await log.read(FEED, cursors[0]) == Hole("trimmed", (2, 3))


async def test_a_foreign_trim_and_delete(log: EventLog, redis: Redis) -> None:
    cursors = [await append(log, published()) for _ in range(9)]
    await redis.xtrim(f"livefeed:{{{FEED}}}:log", maxlen=6, approximate=False)
    await redis.xdel(f"livefeed:{{{FEED}}}:log", str(cursors[5]))

    assert await read(log, cursors[3]) == [5]
    assert await log.read(FEED, cursors[4]) == Hole("trimmed", (6, 6))
    assert await log.read(FEED, cursors[0]) == Hole("trimmed", (2, 6))
    assert await read(log, cursors[6]) == [8, 9]

    await append(log, published())

    assert await read(log, cursors[6]) == [8, 9, 10]
    assert await log.read(FEED, cursors[4]) == Hole("trimmed", (6, 6))


async def test_foreign_entries_are_ignored_and_moved_away(log: EventLog, redis: Redis) -> None:
    last = await append(log, published())
    name = f"livefeed:{{{FEED}}}:log"
    await redis.xadd(name, {"x": "y"}, id="9999999999999-5")
    await redis.xadd(name, {"t": "nonsense"}, id="9999999999999-6")

    assert await read(log, BIRTH) == [1]

    following = await append(log, published())

    assert following.seq == 2
    assert following.ms < 9_000_000_000_000
    assert await read(log, last) == [2]
    assert await redis.xlen(f"livefeed:{{{FEED}}}:rejected") == 2


async def test_a_refilled_log_with_lower_ids(log: EventLog, redis: Redis) -> None:
    cursors = [await append(log, published()) for _ in range(3)]
    name = f"livefeed:{{{FEED}}}:log"
    await redis.delete(name)
    for seq in (1, 2, 3):
        await redis.xadd(name, {"t": "live.item.published"}, id=f"{seq}-{seq}")

    assert isinstance(await log.read(FEED, cursors[0]), Hole)
    assert await read(log, cursors[2]) == []
    assert (await append(log, published())).seq == 4
    assert await read(log, cursors[2]) == [4]


async def test_a_log_of_another_type_is_displaced(log: EventLog, redis: Redis) -> None:
    cursors = [await append(log, published()) for _ in range(2)]
    await redis.set(f"livefeed:{{{FEED}}}:log", "x")

    assert await log.read(FEED, cursors[0]) == Hole("trimmed", (2, 2))
    assert await read(log, cursors[1]) == []
    assert (await append(log, published())).seq == 3
    assert await read(log, cursors[1]) == [3]


async def test_everything_flushed(log: EventLog, redis: Redis) -> None:
    cursor = await append(log, published())
    await redis.flushall()

    assert await log.read(FEED, cursor) == NoFeed()
