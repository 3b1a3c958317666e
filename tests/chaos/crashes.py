"""Processes that die: workers, whole servers, publishers, Redis."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.chaos.proxy import Proxy
from tests.chaos.readers import Reader
from tests.chaos.rig import FEED, Outcome, Rig, Scale, rig
from tests.following import following
from tests.live import KEY
from tests.ports import settled_port
from tests.waiting import until

__all__ = ["cut_replies", "joins", "redis_crashes", "server_crashes", "worker_crashes"]


RATE = 1_000
"""Items a second, while readers come."""

PRESENT = 30
"""Readers at a time, of those who come."""


def workers_of(supervisor: int) -> list[int]:
    """Its worker processes: not the guard of an embedded store, which none of these rigs has."""
    return [int(pid) for pid in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()]


async def server_crashes(scale: Scale) -> Outcome:
    """`kill -9` of all server processes, repeatedly, while items are published."""
    kills, items, each = scale.of(20, 3), scale.of(10_000, 300), scale.of(100, 10)
    async with rig(scale) as own:
        readers = own.readers(each, each)
        async with following(readers):
            publishing = asyncio.create_task(own.publish_many(range(items)))
            for kill in range(1, kills + 1):
                share = items * kill // (kills + 1)
                await until(lambda share=share: len(own.ledger.acked) >= share, 240)  # type: ignore[misc]
                await own.server.stop(signal.SIGKILL)
                await own.server.start()
            began = time.monotonic()
            await publishing
            published = time.monotonic() - began
            level = await own.level(readers)
        return _crash_verdict(own, readers, kills=kills, caught_up_after=round(level, 2), published_after=round(published, 1))


async def worker_crashes(scale: Scale) -> Outcome:
    """`kill -9` of one worker at a time; its readers resume on the other one."""
    kills, items, each = scale.of(20, 2), scale.of(2_000, 200), scale.of(50, 8)
    async with rig(scale) as own:
        readers = own.readers(each, each)
        restarts: list[float] = []
        async with following(readers):
            publishing = asyncio.create_task(own.publish_many(range(items), at_once=2))
            for _ in range(kills):
                before = workers_of(own.server.pid)
                os.kill(random.choice(before), signal.SIGKILL)
                began = time.monotonic()
                await until(lambda before=before: _replaced(own, before), 30)  # type: ignore[misc]
                restarts.append(time.monotonic() - began)
                await asyncio.sleep(random.uniform(0.1, 0.6))
            await publishing
            level = await own.level(readers)
        slowest = round(max(restarts), 2)
        return _crash_verdict(own, readers, kills=kills, slowest_restart=slowest, caught_up_after=round(level, 2))


def _replaced(own: Rig, before: list[int]) -> bool:
    now = workers_of(own.server.pid)
    return len(now) == len(before) and set(now) != set(before)


def _crash_verdict(own: Rig, readers: list[Reader], **more: object) -> Outcome:
    resets = sum(len(reader.heard.resets) for reader in readers)
    wrong = {"acknowledged but lost": own.ledger.lost, "published twice": own.ledger.doubled, "unnecessary resets": resets}
    verdict = own.judge(readers, **wrong, **more)
    verdict.violations += sum(wrong.values())
    return verdict


async def joins(scale: Scale) -> Outcome:
    """Readers join at random times and positions, at a target rate of 1,000 published items per second."""
    count = scale.of(500, 60)
    async with rig(scale) as own:
        await own.publish_batch(range(200))
        steady = own.readers(1, 1)
        gone: list[Reader] = []
        here: list[tuple[Reader, asyncio.Task[None]]] = []
        async with following(steady):
            await own.level(steady)
            stop = asyncio.Event()
            flood = asyncio.create_task(_flood(own, stop))
            for number in range(count):
                reader = own.readers(number % 2, 1 - number % 2, position=_anywhere(own))[0]
                here.append((reader, asyncio.create_task(reader.run())))
                await asyncio.sleep(random.expovariate(30))
                if len(here) > PRESENT:
                    gone.append(await _leaves(*here.pop(0)))
            stop.set()
            rate = round(await flood)
            level = await own.level([*steady, *(reader for reader, _ in here)])
            for _, task in here:
                await _end(task)
        verdict = own.judge([*steady, *(r for r, _ in here)], joins=count, rate=rate, caught_up_after=round(level, 2))
        # Who has left is judged as it stood then.
        early = [reader.heard for reader in gone]
        verdict.figures["deliveries"] += sum(heard.delivered for heard in early)
        verdict.violations += sum(heard.silent + heard.doubled + len(heard.resets) for heard in early)
        verdict.violations += sum(heard.delivered == 0 for heard in early) + (scale.full and rate < RATE)
        return verdict


def _anywhere(own: Rig) -> str | None:
    """Mostly near the head: whoever reads everything takes the machine from those who publish."""
    known = list(own.ledger.acked.values())
    return random.choices(
        [None, random.choice(known[-50:]), random.choice(known[-1_000:]), random.choice(known), "0-0"], (30, 30, 35, 3, 2)
    )[0]


async def _leaves(reader: Reader, task: asyncio.Task[None]) -> Reader:
    with contextlib.suppress(TimeoutError):
        await until(lambda: reader.heard.delivered > 0, 10)
    await _end(task)
    return reader


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _flood(own: Rig, stop: asyncio.Event) -> float:
    """`RATE` items a second and a few more, however long one answer takes: what is due goes out on another connection."""
    began, sent = time.monotonic(), 0

    async def publish() -> None:
        nonlocal sent
        while not stop.is_set():
            due = min(int((time.monotonic() - began + 0.5) * RATE * 1.03) - sent, 100)
            if due < 10:
                await asyncio.sleep(0.01)
                continue
            first, sent = 1_000 + sent, sent + due
            await own.publish_batch(range(first, first + due))

    await asyncio.gather(*(publish() for _ in range(4)))
    return sent / (time.monotonic() - began)


async def cut_replies(scale: Scale) -> Outcome:
    """Truncated replies from Redis and from the server, and a publisher that is killed and restarted."""
    cuts, kills = scale.of(250, 20), scale.of(20, 2)
    async with rig(scale) as own:
        readers = own.readers(2, 2)
        async with following(readers):
            numbers = iter(range(10_000_000))
            faults = own.proxy.faults
            faults.cut_reply_of, faults.cuts = b"EVALSHA", 0
            while faults.cut < cuts:
                faults.cuts = 1
                await own.publish(next(numbers))
            faults.cuts, by_redis = 0, faults.cut
            by_server = await _cut_answers(own, cuts, numbers)
            killed = await _killed_publisher(own, kills, scale.of(300, 100))
            await own.level(readers)
        return _crash_verdict(own, readers, cut_by_redis=by_redis, cut_by_server=by_server, publisher_killed=killed)


async def _cut_answers(own: Rig, cuts: int, numbers: Iterator[int]) -> int:
    door = Proxy(settled_port(), own.server.port)
    assert isinstance(door.listen, int)
    await door.start()
    own.port = door.listen
    door.faults.cut_reply_of = b"POST"
    while door.faults.cut < cuts:
        door.faults.cuts = 1
        await own.publish(next(numbers))
    own.port = 0
    await door.stop()
    return door.faults.cut


async def _killed_publisher(own: Rig, kills: int, items: int) -> int:
    """A program that publishes a list from its beginning each time it is started, and writes down what was answered."""
    first = 5_000_000
    for number in range(first, first + items):
        own.item(number)
    answered = own.folder / "answered"
    command = (sys.executable, "-m", "tests.chaos.publisher", own.server.url, KEY, FEED, str(first), str(items), str(answered))
    for kill in range(kills + 1):
        process = await asyncio.create_subprocess_exec(*command)
        if kill == kills:
            assert await process.wait() == 0
            break
        share = items * (kill + 1) // (kills + 1)
        await until(partial(_has_lines, answered, share), 60)
        process.kill()
        await process.wait()
    for line in answered.read_text().splitlines():
        uri, cursor = line.split(" ")
        own.ledger.acked[uri] = cursor
    return kills


def _has_lines(path: Path, count: int) -> bool:
    return path.exists() and len(set(path.read_text().splitlines())) >= count


async def redis_crashes(scale: Scale) -> Outcome:
    """`kill -9` of a Redis with `durability=aof`: no acknowledged item may be lost."""
    kills, items, each = scale.of(10, 2), scale.of(1_500, 120), scale.of(20, 5)
    kept = ("--appendonly", "yes", "--appendfsync", "always")
    async with rig(scale, *kept, LIVEFEED_DURABILITY="aof") as own:
        readers = own.readers(each, each)
        back: list[float] = []
        async with following(readers):
            publishing = asyncio.create_task(own.publish_many(range(items), at_once=2))
            for kill in range(1, kills + 1):
                share = items * kill // (kills + 1)
                await until(lambda share=share: len(own.ledger.acked) >= share, 120)  # type: ignore[misc]
                await asyncio.to_thread(own.store.kill)
                await asyncio.sleep(random.uniform(0.0, 1.5))
                await own.store.start_soon()
                began, acked = time.monotonic(), len(own.ledger.acked)
                await until(lambda acked=acked: len(own.ledger.acked) > acked or publishing.done(), 30)  # type: ignore[misc]
                probe = [reader.heard.delivered for reader in readers]
                await until(lambda probe=probe: _all_heard_more(readers, probe) or publishing.done(), 30)  # type: ignore[misc]
                back.append(time.monotonic() - began)
            await publishing
            await own.level(readers)
        return _crash_verdict(own, readers, kills=kills, slowest_recovery=round(max(back), 2), durability="aof")


def _all_heard_more(readers: list[Reader], before: list[int]) -> bool:
    return all(reader.heard.delivered > count for reader, count in zip(readers, before, strict=True))
