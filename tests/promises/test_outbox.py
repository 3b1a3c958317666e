"""What a producer has put is in the feed once and in its order, whoever dies on the way; and readers see it so."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from livefeed import FeedEvent, Livefeed, Outbox
from livefeed.exceptions import NotFound
from tests.live import KEY, LiveServer
from tests.waiting import until

ITEMS = 150
"""From each producer, at 50 a second."""

PRODUCER = """
import asyncio, itertools, os, sys
from livefeed import Livefeed, Outbox
name, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
async def main():
    async with Livefeed.from_environment() as lf, Outbox(path) as outbox, asyncio.TaskGroup() as group:
        sending = group.create_task(outbox.run(lf))
        first = int((await outbox.notes(["next"])).get("next", 0))
        for number in range(first, count):
            item = {"uri": f"urn:{name}:{number}", "headline": f"{name} {number}"}
            await outbox.put_all([("world", item, "publish")], notes={"next": str(number + 1)})
            await asyncio.sleep(0.02)
        await outbox.join()
        sending.cancel()
asyncio.run(main())
"""


class Producer:
    """A process that puts its items into an outbox of its own, and goes on where it was when it is started again."""

    def __init__(self, server: LiveServer, name: str, folder: Path) -> None:
        self.name = name
        self.path = folder / f"{name}.sqlite"
        self._environ = {**server.environ, "LIVEFEED_URL": server.url}

    async def start(self) -> None:
        arguments = (sys.executable, "-c", PRODUCER, self.name, str(self.path), str(ITEMS))
        self.process = await asyncio.create_subprocess_exec(*arguments, env=self._environ)

    def put(self) -> int:
        """How many items it has put so far."""
        try:
            db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        except sqlite3.OperationalError:
            return 0
        try:
            row = db.execute("SELECT value FROM notes WHERE name = 'next'").fetchone()
        except sqlite3.OperationalError:
            return 0
        finally:
            db.close()
        return int(row[0]) if row else 0


async def follow(server: LiveServer, seen: list[FeedEvent], count: int) -> None:
    async with Livefeed(server.url) as lf, lf.events("world", after="0-0") as events:
        while len(seen) < count:
            seen.append(await anext(events))


@pytest.mark.timeout(180)
async def test_all_items_are_in_the_feed_once_and_in_each_producers_order(server: LiveServer, tmp_path: Path) -> None:
    """The server is killed and away for a while under load from two producers, and one of them is killed as well."""
    async with Livefeed(server.url, KEY) as lf:
        await lf.publish("world", {"headline": "So that the feed is there."})
    readers: list[list[FeedEvent]] = [[] for _ in range(5)]
    following = [asyncio.create_task(follow(server, seen, 2 * ITEMS + 1)) for seen in readers]
    first, second = (Producer(server, name, tmp_path) for name in ("one", "two"))
    for producer in (first, second):
        await producer.start()
    await until(lambda: first.put() >= 30, timeout=60)
    await server.stop(signal.SIGKILL)
    await until(lambda: second.put() >= 60, timeout=60)
    second.process.kill()
    await second.process.wait()
    await second.start()
    await until(lambda: second.put() >= 90, timeout=60)
    await server.start()
    async with asyncio.timeout(120):
        assert await first.process.wait() == 0
        assert await second.process.wait() == 0
        await asyncio.gather(*following)
    for producer in (first, second):
        async with Outbox(producer.path) as outbox:
            assert await outbox.pending() == 0
            assert await outbox.rejected() == []

    for seen in readers:
        assert [event.name for event in seen] == ["published"] * (2 * ITEMS + 1)
        for producer in (first, second):
            mine = [event.subject for event in seen if event.subject.startswith(f"urn:{producer.name}:")]
            assert mine == [f"urn:{producer.name}:{number}" for number in range(ITEMS)]


@pytest.mark.timeout(180)
async def test_readers_miss_nothing_of_a_replay_while_the_server_is_killed_again_and_again(
    server: LiveServer, tmp_path: Path
) -> None:
    lines = [f'{{"headline": "{n}.", "uri": "urn:x:{n}", "contentCreated": "2026-11-23T12:00:00.{n:03}Z"}}' for n in range(400)]
    (tmp_path / "recording.jsonl").write_text("\n".join(lines))
    async with Livefeed(server.url, KEY) as lf:
        await lf.publish("world", {"headline": "So that the feed is there."})
    readers: list[list[FeedEvent]] = [[] for _ in range(5)]
    following = [asyncio.create_task(follow(server, seen, 401)) for seen in readers]
    replaying = await server.spawn("producers", "replay", str(tmp_path / "recording.jsonl"), "--feed", "world", "--speed", "0")

    async def has_seen(count: int) -> None:
        await until(lambda: len(readers[0]) >= count, timeout=60)

    for count in (80, 160, 240):
        await has_seen(count)
        await server.stop(signal.SIGKILL)
        await server.start()
    _, err = await replaying.communicate()
    assert replaying.returncode == 0, err.decode()
    async with asyncio.timeout(60):
        await asyncio.gather(*following)
    for events in readers:
        assert [event.subject for event in events[1:]] == [f"urn:x:{n}" for n in range(400)]


async def test_a_stopped_server_sends_its_readers_on(server: LiveServer) -> None:
    """A goodbye is no fault: the reader waits as long as it was told to, and goes on behind what it had."""
    lost: list[str] = []
    async with Livefeed(server.url, KEY) as lf:
        with pytest.raises(NotFound):
            await anext(lf.events("world"))
        await lf.publish("world", {"headline": "One."})
        async with lf.events("world", last=5, on_lost=lambda reason, _: lost.append(reason)) as events:
            assert (await anext(events)).name == "snapshot"
            waiting = asyncio.ensure_future(anext(events))
            await server.stop()
            await server.start()
            await lf.publish("world", {"headline": "Two."})
            event = await waiting
            assert event.item is not None
            assert event.item["headline"] == "Two."
    assert lost
    assert "ended" not in lost[0]
