"""Processes that die: workers, whole servers, publishers, Redis."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.chaos.proxy import Proxy
from tests.chaos.readers import Reader, start_readers
from tests.chaos.rig import FEED, Outcome, Rig, Scale, rig
from tests.live import KEY
from tests.ports import settled_port
from tests.waiting import until

__all__ = ["cut_replies", "joins", "redis_crashes", "server_crashes", "worker_crashes"]


def workers_of(supervisor: int) -> list[int]:
    """Its worker processes: not the guard of an embedded store, which none of these rigs has."""
    return [int(pid) for pid in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()]


async def server_crashes(scale: Scale) -> Outcome:
    """`kill -9` of all processes of the server, again and again, while items are published."""
    kills, items, each = scale.of(20, 3), scale.of(10_000, 300), scale.of(100, 10)
    async with rig(scale) as own:
        readers = own.readers(each, each)
        async with start_readers(readers):
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
        return _crash_verdict(own, readers, kills=kills, level=round(level, 2), rest=round(published, 1))


async def worker_crashes(scale: Scale) -> Outcome:
    """`kill -9` of one worker at a time; the readers go on at the other."""
    kills, items, each = scale.of(20, 2), scale.of(2_000, 200), scale.of(50, 8)
    async with rig(scale) as own:
        readers = own.readers(each, each)
        restarts: list[float] = []
        async with start_readers(readers):
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
        return _crash_verdict(own, readers, kills=kills, slowest_restart=slowest, level=round(level, 2))


def _replaced(own: Rig, before: list[int]) -> bool:
    now = workers_of(own.server.pid)
    return len(now) == len(before) and set(now) != set(before)


def _crash_verdict(own: Rig, readers: list[Reader], **more: object) -> Outcome:
    resets = sum(len(reader.heard.resets) for reader in readers)
    wrong = {"acked and lost": own.ledger.lost, "published twice": own.ledger.doubled, "false alarms": resets}
    verdict = own.judge(readers, **wrong, **more)
    verdict.violations += sum(wrong.values())
    return verdict


async def joins(scale: Scale) -> Outcome:
    """Readers that come at random moments, from random positions, while 1,000 items a second go by."""
    count = scale.of(500, 60)
    async with rig(scale) as own:
        await own.publish_batch(range(200))
        steady = own.readers(1, 1)
        joined: list[Reader] = []
        async with start_readers(steady):
            await own.level(steady)
            stop = asyncio.Event()
            flood = asyncio.create_task(_flood(own, stop))
            tasks = []
            known = list(own.ledger.acked.values())
            for number in range(count):
                position = random.choice([None, "0-0", random.choice(known), random.choice(known[-50:])])
                reader = own.readers(number % 2, 1 - number % 2, position=position)[0]
                joined.append(reader)
                tasks.append(asyncio.create_task(reader.run()))
                await asyncio.sleep(random.expovariate(60))
                known = list(own.ledger.acked.values())
                if len(tasks) > 80:
                    # Level with the others by now, or it never will be: its account is judged as it stands.
                    await _end(tasks.pop(0))
            stop.set()
            rate = await flood
            level = await own.level([*steady, *joined[-len(tasks) :]])
            for task in tasks:
                await _end(task)
        verdict = own.judge([*steady, *joined[-len(tasks) :]], joins=count, rate=round(rate), level=round(level, 2))
        early = [reader.heard for reader in joined[: -len(tasks)]]
        verdict.violations += sum(heard.silent + heard.doubled + len(heard.resets) for heard in early)
        verdict.violations += sum(heard.delivered == 0 for heard in early)
        return verdict


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _flood(own: Rig, stop: asyncio.Event) -> float:
    number, began = 1_000, time.monotonic()
    while not stop.is_set():
        await own.publish_batch(range(number, number + 50))
        number += 50
        await asyncio.sleep(max(began + (number - 1_000) / 1_000 - time.monotonic(), 0))
    return (number - 1_000) / (time.monotonic() - began)


async def cut_replies(scale: Scale) -> Outcome:
    """Replies that are cut off, of Redis and of the server, and a publisher that is killed and begins again."""
    cuts, kills = scale.of(250, 20), scale.of(20, 2)
    async with rig(scale) as own:
        readers = own.readers(2, 2)
        async with start_readers(readers):
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
    """`kill -9` of a Redis that answers when a write is on disk; nothing that was answered may be lost."""
    kills, items, each = scale.of(10, 2), scale.of(1_500, 120), scale.of(20, 5)
    kept = ("--appendonly", "yes", "--appendfsync", "always")
    async with rig(scale, *kept, LIVEFEED_DURABILITY="aof") as own:
        readers = own.readers(each, each)
        back: list[float] = []
        async with start_readers(readers):
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
        return _crash_verdict(own, readers, kills=kills, slowest_back=round(max(back), 2), durability="aof")


def _all_heard_more(readers: list[Reader], before: list[int]) -> bool:
    return all(reader.heard.delivered > count for reader, count in zip(readers, before, strict=True))
