"""The producers as their users run them, against a real server, with readers of both kinds."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from livefeed import Livefeed
from tests.live import KEY, LiveServer
from tests.producers import documents
from tests.producers.site import Site, open_site
from tests.producers.test_rss import REAL, SHARED

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site(Site()) as site:
        yield site


async def produce(server: LiveServer, *arguments: str) -> str:
    """What a producer says; it must end well."""
    status, out, err = await server.run("producers", *arguments)
    assert status == 0, err
    assert out == ""
    return err


async def sse(server: LiveServer, feed: str, count: int) -> list[str]:
    """The uris that an SSE reader sees from the birth of the feed on."""
    async with Livefeed(server.url) as lf, lf.events(feed, after="0-0") as events, asyncio.timeout(60):
        return [(await anext(events)).subject for _ in range(count)]


async def websocket(server: LiveServer, feed: str, count: int) -> list[str]:
    """The same, seen by a WebSocket reader."""
    url = f"{server.url.replace('http', 'ws')}/v1/feeds/{feed}/events?after=0-0"
    uris: list[str] = []
    async with connect(url, proxy=None) as socket, asyncio.timeout(60):
        while len(uris) < count:
            event = json.loads(await socket.recv())
            if event["type"].startswith("live.item."):
                uris.append(event["subject"])
    return uris


async def test_a_feed_is_polled_and_what_changes_is_told(server: LiveServer, site: Site) -> None:
    site.pages["rss"] = documents.NO_DATES
    arguments = ("rss", f"{site.url}/rss", "--feed", "world", "--once", "--allow-address", "127.0.0.1")
    await produce(server, *arguments)
    await produce(server, *arguments)
    site.pages["rss"] = documents.NO_DATES.replace(b"Ship 2", b"Ship 2 has left")
    await produce(server, *arguments)
    async with Livefeed(server.url) as lf, lf.events("world", after="0-0") as events:
        told = [await anext(events) for _ in range(4)]
    assert [event.name for event in told] == ["published"] * 3 + ["updated"]
    assert [(event.item or {}).get("headline") for event in told] == ["Ship 1", "Ship 2", "Ship 3", "Ship 2 has left"]


async def test_a_recording_goes_out_in_its_order(server: LiveServer, tmp_path: Path) -> None:
    file = tmp_path / "recording.jsonl"
    lines = [{"headline": f"{n}.", "uri": f"urn:x:{n}", "contentCreated": "2026-11-23T12:00:00Z"} for n in range(50)]
    file.write_text("\n".join(json.dumps(line) for line in lines))
    await produce(server, "replay", str(file), "--feed", "world", "--speed", "0", "--once")
    expected = [line["uri"] for line in lines]
    assert await sse(server, "world", 50) == await websocket(server, "world", 50) == expected


async def test_a_folder_is_emptied(server: LiveServer, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "a.json").write_text('{"uri": "urn:x:1", "headline": "One."}')
    await produce(server, "folder", str(drop), "--feed", "world", "--once", "--settle", "0.1")
    assert await sse(server, "world", 1) == ["urn:x:1"]


async def test_a_producer_that_watches_ends_on_a_signal(server: LiveServer, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    process = await server.spawn("livefeed", "produce", "folder", str(drop), "--feed", "world", "--settle", "0.1")
    (drop / "a.json").write_text('{"uri": "urn:x:1", "headline": "One."}')
    async with Livefeed(server.url, KEY) as lf:
        await lf.publish("world", {"headline": "So that the feed is there."})
    assert (await sse(server, "world", 2)).count("urn:x:1") == 1
    process.send_signal(signal.SIGTERM)
    _, err = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in err


FAULTS = [
    (("rss", "http://127.0.0.1:1/", "--feed", "world", "--once"), 1, "which is not public: to fetch from there, --allow-address"),
    (("rss", "file:///etc/hosts", "--feed", "world", "--once"), 1, "only http:// and https:// are"),
    (("rss", "--feed", "world"), 2, "Missing argument 'URL...'"),
    (("rss", "http://x.example/"), 2, "Missing option '--feed'"),
    (("rss", "http://x.example/", "--feed", "w", "--allow-address", "localhost"), 2, "is not an address or a network such as"),
    (("replay", "/dev/null/none", "--feed", "world"), 2, "does not exist"),
    (("replay", __file__, "--feed", "world"), 1, "line 1 is not JSON"),
]


async def test_faults_are_one_sentence(server: LiveServer) -> None:
    for arguments, expected, said in FAULTS:
        status, _, err = await server.run("producers", *arguments)
        assert status == expected, err
        assert said in err
        assert "Traceback" not in err


async def test_a_second_producer_for_the_same_is_refused(server: LiveServer, tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    drop = tmp_path / "drop"
    drop.mkdir()
    arguments = ("folder", str(drop), "--feed", "world", "--state", str(state))
    first = await server.spawn("producers", *arguments)
    try:
        (drop / "a.json").write_text('{"uri": "urn:x:1", "headline": "One."}')
        async with Livefeed(server.url, KEY) as lf:
            await lf.publish("world", {"headline": "So that the feed is there."})
        await sse(server, "world", 2)
        status, _, err = await server.run("producers", *arguments)
        assert status == 1
        assert "is in use by another process" in err
    finally:
        first.terminate()
        await first.communicate()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real documents are not at hand")
async def test_real_documents_reach_readers_of_both_kinds(server: LiveServer, site: Site) -> None:
    """As many items as each document has entries, the same ones on both wires, and none more after a restart."""
    for name in REAL:
        site.pages[name] = (SHARED / name).read_bytes()
    urls = [f"{site.url}/{name}" for name in REAL]
    arguments = ("rss", *urls, "--feed", "world", "--once", "--allow-address", "127.0.0.1")
    total = sum(REAL.values())
    await produce(server, *arguments)
    seen = await sse(server, "world", total)
    assert len(set(seen)) == total
    assert await websocket(server, "world", total) == seen
    async with Livefeed(server.url, KEY) as lf:
        head = (await lf.list("world", limit=1)).cursor
        for name in REAL:
            site.pages[name] += b"\n"
        await produce(server, *arguments)
        assert (await lf.list("world", limit=1)).cursor == head
        bodies = [item async for item in lf.items("world") if len(item.get("bodyText", "")) > 15_000]
    assert bodies
    assert all(item.get("link") for item in bodies)
