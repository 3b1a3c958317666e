"""History that is lost, trimmed, copied or written by somebody else: who lost something is told, and nobody else is."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson

from tests.chaos.readers import Reader
from tests.chaos.rig import FEED, Outcome, Rig, Scale, rig
from tests.following import following
from tests.waiting import until

__all__ = ["clean_restarts", "missed_ranges", "raw_entries", "strangers", "truncated_files"]

LOG = f"livefeed:{{{FEED}}}:log"
AOF = ("--appendonly", "yes", "--appendfsync", "everysec", "--aof-use-rdb-preamble", "no")

Loss = Callable[[Rig], Awaitable[None]]


async def _told(own: Rig, readers: list[Reader], lose: Loss) -> tuple[float, int]:
    """After *lose* every reader must be told of it: how long the slowest took, and how many never were."""
    before = [len(reader.heard.resets) for reader in readers]
    await lose(own)
    began = time.monotonic()
    with contextlib.suppress(TimeoutError):
        await until(lambda: all(len(r.heard.resets) > count for r, count in zip(readers, before, strict=True)), 15)
    silent = sum(len(r.heard.resets) == count for r, count in zip(readers, before, strict=True))
    return time.monotonic() - began, silent


def _figures(own: Rig, readers: list[Reader], times: list[float], silent: int, **more: Any) -> Outcome:
    slowest = round(max(times), 2)
    verdict = own.judge(readers, losses=len(times), slowest_notice=slowest, not_notified=silent, **more)
    verdict.violations += silent
    return verdict


async def truncated_files(scale: Scale) -> Outcome:
    """A crash that truncates the append-only file."""
    async with rig(scale, *AOF) as own:
        readers = own.readers(scale.of(10, 4), scale.of(10, 4))
        times, silent, number = [], 0, 0
        async with following(readers):
            for _ in range(scale.of(10, 2)):
                await own.publish_many(range(number, number + 40))
                number += 40
                await own.level(readers)
                took, never = await _told(own, readers, _truncate)
                times.append(took)
                silent += never
            await own.publish_many(range(number, number + 20))
            await own.level(readers)
        return _figures(own, readers, times, silent)


async def _truncate(own: Rig) -> None:
    before = own.head()
    # The end of the file may hold nothing of the feed: then nothing was lost, and nobody must be told so.
    while own.head() == before:
        await asyncio.to_thread(own.store.kill)
        (path,) = Path(own.folder, "appendonlydir").glob("*.incr.aof")
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - random.randint(1, 20_000))
        await own.store.start_soon()


async def clean_restarts(scale: Scale) -> Outcome:
    """Redis is restarted without data loss: no reader may get a `reset`."""
    async with rig(scale, *AOF) as own:
        readers = own.readers(scale.of(10, 4), scale.of(10, 4))
        number = 0
        async with following(readers):
            for _ in range(scale.of(20, 2)):
                await own.publish_many(range(number, number + 10))
                number += 10
                await asyncio.to_thread(own.store.stop)
                await own.store.start_soon()
            await own.publish_many(range(number, number + 10))
            await own.level(readers)
        alarms = sum(len(reader.heard.resets) for reader in readers)
        verdict = own.judge(readers, restarts=scale.of(20, 2), unnecessary_resets=alarms)
        verdict.violations += alarms
        return verdict


async def strangers(scale: Scale) -> Outcome:
    """DEL, FLUSHALL, RENAME, XTRIM, a key of the wrong type and entries with future ids, with readers at various positions."""
    async with rig(scale) as own:
        figures: dict[str, Any] = {}
        violations, number = 0, 0
        for name, command in _COMMANDS.items():
            await own.put_feed()
            await own.publish_many(range(number, number + 20))
            number += 20
            took, wrong = await _stranger(own, scale, command, number, lost=name != "far future")
            number += 10
            figures[name] = took
            violations += wrong
        verdict = own.judge([], **figures)
        verdict.violations = violations + own.ledger.altered
        return verdict


_COMMANDS: dict[str, list[tuple[str, ...]]] = {
    "DEL": [("DEL", LOG)],
    "RENAME": [("RENAME", LOG, "elsewhere")],
    "XTRIM": [("XTRIM", LOG, "MAXLEN", "0")],
    "wrong type": [("DEL", LOG), ("SET", LOG, "text")],
    "refilled with lower ids": [("DEL", LOG), ("XADD", LOG, "1-5", "a", "b")],
    "feed hash": [("DEL", f"livefeed:{{{FEED}}}:feed")],
    "FLUSHALL": [("FLUSHALL",)],
    "far future": [("XADD", LOG, "9999999999999-5", "a", "b")],
}


async def _stranger(own: Rig, scale: Scale, commands: list[tuple[str, ...]], number: int, *, lost: bool) -> tuple[float, int]:
    """Readers at the head lost nothing by DEL; who comes with an older position did, and is told."""
    head, oldest = own.head(), own.ledger.acked[f"urn:chaos:{number - 15}"]
    level = own.readers(2, 2, position=head)
    async with following(level):
        await until(lambda: all(reader.heard.connections for reader in level))
        with own.hand as hand:
            for command in commands:
                hand.execute_command(*command)
        late = own.readers(2, 2, position=oldest)
        began = time.monotonic()
        async with following(late):
            if lost:
                # A worker whose memory still holds all that follows may bring a reader level without a loss.
                await until(lambda: all(reader.heard.resets or reader.heard.position == head for reader in late), 15)
            took = time.monotonic() - began
            await own.put_feed()
            await own.publish_many(range(number, number + 10))
            await own.level([*level, *late])
    heard = [reader.heard for reader in (*level, *late)]
    behind = sum(each.position != own.head() for each in heard)
    alarms = 0 if lost else sum(len(each.resets) for each in heard)
    return round(took, 2), sum(each.silent + each.doubled for each in heard) + behind + alarms


async def missed_ranges(scale: Scale) -> Outcome:
    """Random positions and random trimming: the range in a `reset` must be exact."""
    count, right, holes = scale.of(1_000, 60), 0, 0
    async with rig(scale) as own:
        positions = ["0-0"]
        number = 0
        for _ in range(10):
            await own.publish_batch(range(number, number + 50))
            number += 50
            positions = ["0-0", *sorted(own.ledger.acked.values(), key=_seq)]
            with own.hand as hand:
                if random.random() < 0.5:
                    await own.put_feed(
                        retention={"events": random.randint(20, 60), "age": 604_800, "bytes": 10**8, "items": 10_000}
                    )
                else:
                    hand.execute_command("XTRIM", LOG, "MAXLEN", random.randint(10, 60))
                    await own.publish_batch(range(number, number + 1))
                    number += 1
                    positions = ["0-0", *sorted(own.ledger.acked.values(), key=_seq)]
                entries: Any = hand.xrange(LOG)
                floor: Any = hand.hget(f"livefeed:{{{FEED}}}:feed", "floor")
            first = _seq(entries[0][0].decode())
            for position in random.choices(positions, k=count // 10):
                told = await _ask(own, position)
                lost = _seq(position) < first - 1
                destroyed = not lost and _seq(position) < first and position != floor.decode()
                holes += lost
                if isinstance(told, int):
                    # Continued, from a worker's memory where the log has it no more: then every event must come.
                    right += told == _seq(own.head()) - _seq(position)
                elif lost:
                    right += told == {"first": _seq(position) + 1, "last": first - 1}
                else:
                    # Whose own entry a stranger destroyed may be alarmed, without a range: nobody can prove that it lost nothing.
                    right += destroyed and told is None
    return Outcome({"positions": count, "exact": right, "of which with gaps": holes}, count - right)


def _seq(cursor: str) -> int:
    return int(cursor.partition("-")[2])


async def _ask(own: Rig, position: str) -> dict[str, int] | int | None:
    """What a reset says is missed after *position*; how many events follow, where it is continued."""
    reader, writer = await asyncio.open_connection("127.0.0.1", own.server.port)
    writer.write(f"GET /v1/feeds/{FEED}/events?after={position} HTTP/1.1\r\nHost: livefeed\r\n\r\n".encode())
    try:
        await reader.readuntil(b'"resumed":')
        if await reader.readexactly(4) == b"true":
            head, count = own.head(), 0
            await reader.readuntil(b"\n\n")
            while position != head:
                block = await reader.readuntil(b"\n\n")
                if block.startswith(b"id: "):
                    position, count = block[4 : block.index(b"\n")].decode(), count + 1
            return count
        await reader.readuntil(b"event: reset")
        block = await reader.readuntil(b"\n\n")
        missed: dict[str, int] | None = orjson.loads(block[block.index(b"data: ") + 6 :])["data"]["missed"]
        return missed
    finally:
        writer.close()


async def raw_entries(scale: Scale) -> Outcome:
    """Random entries in log and inbox: valid ones are delivered, invalid ones are counted, and none blocks the others."""
    count = scale.of(1_000, 80)
    async with rig(scale) as own:
        readers = own.readers(3, 3)
        good, number = 0, 0
        async with following(readers):
            with own.hand as hand:
                for turn in range(count):
                    place = (LOG, f"livefeed:{{{FEED}}}:inbox")[turn % 2]
                    hand.xadd(place, _junk())
                    if turn % 4 == 0:
                        number += 1
                        hand.xadd(f"livefeed:{{{FEED}}}:inbox", {"item": orjson.dumps(own.item(number))})
                        good += 1
                    if turn % 10 == 0:
                        await own.publish(1_000_000 + turn)
                        good += 1
                    await asyncio.sleep(0)
                await until(lambda: _empty(hand), 60)
                await own.level(readers)
                rejected: Any = hand.xlen(f"livefeed:{{{FEED}}}:rejected")
        delivered = min(reader.heard.delivered for reader in readers)
        verdict = own.judge(readers, good=good, delivered_to_each=delivered, bad=count, counted=rejected)
        verdict.violations += (good - delivered) + sum(len(reader.heard.resets) for reader in readers) + (rejected < count // 2)
        return verdict


def _empty(hand: Any) -> bool:
    return not hand.xlen(f"livefeed:{{{FEED}}}:inbox")


def _junk() -> dict[bytes | str, bytes | str]:
    kinds: list[dict[bytes | str, bytes | str]] = [
        {"a": "b"},
        {random.randbytes(8): random.randbytes(40)},
        {"item": b"\xff\xfe{"},
        {"item": "{}"},
        {"item": '{"headline": 5}', "op": "publish"},
        {"item": '{"headline":"x","nobody":"knows"}'},
        {"item": '{"uri":"urn:chaos:none"}', "op": "cancel"},
        {"item": '{"headline":"x"}', "op": "explode"},
        {"t": "live.item.published", "d": random.randbytes(20)},
        {"item": "[" * 2_000},
    ]
    return random.choice(kinds)
