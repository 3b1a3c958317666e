"""The shell commands against a real server, in the order in which a newsroom would use them."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest

from livefeed import Livefeed
from tests.live import KEY, LiveServer

pytestmark = pytest.mark.timeout(180)


async def livefeed(server: LiveServer, *arguments: str, stdin: bytes | None = None) -> str:
    """What the command prints; it must end well."""
    status, out, err = await server.run("livefeed", *arguments, stdin=stdin)
    assert status == 0, err
    return out


async def test_the_life_of_an_item(server: LiveServer) -> None:
    published = await livefeed(
        server, "publish", "world", "--headline", "First.", "--tag", "Flood", "--tag", "Port", "--urgency", "1"
    )
    cursor, item_id, *said, uri = published.split()
    assert said == ["version", "1", "created"]
    assert uri.startswith("urn:")

    updated = json.loads(
        await livefeed(server, "update", "world", uri, "--correction", "It was two.", "--headline", "Two.", "--json")
    )
    assert updated["item"]["version"] == 2
    assert updated["item"]["correction"] == "It was two."
    assert updated["item"]["tags"] == ["Flood", "Port"]
    assert " withheld " in await livefeed(server, "hold", "world", item_id, "--reason", "Lawyers look.")
    assert " usable " in await livefeed(server, "release", "world", uri)
    assert " canceled " in await livefeed(server, "cancel", "world", uri)

    async with Livefeed(server.url) as lf, lf.events("world", after=cursor) as events:
        # What a withheld or killed item said is gone from the log: only what happened last is told.
        assert [(await anext(events)).name] == ["canceled"]


async def test_publishing_a_file_and_the_same_again(server: LiveServer, tmp_path: Path) -> None:
    item = {"uri": "urn:x:1", "headline": "From a file.", "bodyText": "Words."}
    file = tmp_path / "item.json"
    file.write_text(json.dumps(item))
    first = await livefeed(server, "publish", "world", "--item", str(file))
    again = await livefeed(server, "publish", "world", "--item", "-", stdin=json.dumps(item).encode())
    assert "version 1  created  urn:x:1" in first
    assert "version 1  usable  urn:x:1" in again
    changed = await livefeed(server, "publish", "world", "--item", str(file), "--urgency", "2", "--update")
    assert "version 2  usable  urn:x:1" in changed


async def test_drafts_are_not_out_yet(server: LiveServer) -> None:
    draft = await livefeed(server, "publish", "world", "--headline", "Soon.", "--draft", "--uri", "urn:x:soon")
    assert draft.startswith("not out yet")
    out = json.loads(await livefeed(server, "publish-draft", "world", "urn:x:soon", "--json"))
    assert (out["event"].endswith("-1"), out["item"]["headline"]) == (True, "Soon.")
    pinned = json.loads(await livefeed(server, "update", "world", "urn:x:soon", "--pinned", "--pin-rank", "3", "--json"))
    assert (pinned["item"]["pinned"], pinned["item"]["pinRank"]) == (True, 3)


FAULTS = [
    (("publish", "world"), "headline: give a headline, a bodyText or a bodyHtml"),
    (("publish", "world", "--headline", "x", "--link", "no link"), "link: 'no link' is not a web address"),
    (("publish", "World", "--headline", "x"), "'World' is not a feed name"),
    (("update", "world", "urn:x:9", "--headline", "x"), "there is no feed 'world'"),
    (("update", "world", "urn:x:9"), "nothing to change"),
    (("cancel", "world", "no-such-id"), "there is no feed 'world'"),
    (("publish", "world", "--item", "-"), "is not JSON"),
    (("tail", "nope"), "there is no feed 'nope'"),
    (("tail", "world", "--url", "127.0.0.1:1"), "is not the address of a server"),
    (("tail", "world", "--last", "300"), "300 is not in the range"),
    (("tail", "world", "--after", "yesterday"), "'yesterday' is not a cursor"),
]


async def test_faults_are_one_sentence(server: LiveServer) -> None:
    for arguments, said in FAULTS:
        status, out, err = await server.run("livefeed", *arguments, stdin=b"no JSON")
        assert status in (1, 2)
        assert out == ""
        assert said in err
        assert "Traceback" not in err
        assert KEY not in err


async def test_tail_follows_over_a_restart_of_the_server(server: LiveServer) -> None:
    async with Livefeed(server.url, KEY) as lf:
        await lf.publish("world", {"headline": "Before."})
        tail = await server.spawn("livefeed", "tail", "world", "--last", "5")
        assert tail.stdout is not None
        assert tail.stderr is not None
        assert (await tail.stdout.readline()).startswith(b"--- ")
        assert (await tail.stdout.readline()).endswith(b"  Before.\n")
        await server.stop(signal.SIGKILL)
        assert b"next attempt in" in await tail.stderr.readline()
        await server.start()
        second = await lf.publish("world", {"headline": "After.", "urgency": 2, "tags": ["Port"]})
        assert (await tail.stdout.readline()).endswith(b"  BULLETIN  After.  #Port\n")
        await lf.patch("world", second.item["id"], {"headline": "Afterwards.", "correction": "Said better."}, version=1)
        assert (await tail.stdout.readline()).endswith(b"  BULLETIN  CORRECTED  Afterwards.  (Said better.)  #Port\n")
        await lf.cancel("world", second.item["id"], reason="Not so.")
        assert (await tail.stdout.readline()).endswith(b"  KILLED  Afterwards.  (Not so.)\n")
    tail.send_signal(signal.SIGINT)
    assert await tail.wait() == 130
    assert b"Traceback" not in await tail.stderr.read()


async def test_tail_in_a_pipe_prints_one_event_a_line(server: LiveServer) -> None:
    async with Livefeed(server.url, KEY) as lf:
        first = await lf.publish("world", {"headline": "One."})
        tail = await server.spawn("livefeed", "tail", "world", "--json", "--after", first.event or "")
        assert tail.stdout is not None
        for headline in ("Two.", "Three."):
            await lf.publish("world", {"headline": headline})
        for headline in ("Two.", "Three."):
            event = json.loads(await tail.stdout.readline())
            assert event["type"] == "live.item.published"
            assert event["data"]["headline"] == headline
    tail.terminate()
    await tail.wait()


async def test_tail_ends_when_its_pipe_is_closed(server: LiveServer) -> None:
    """`livefeed tail world --json | head -1` returns although nothing else is published."""
    async with Livefeed(server.url, KEY) as lf:
        await lf.publish("world", {"headline": "One."})
        command = f"{json.dumps(sys.executable)} -m livefeed tail world --last 1 --json | head -1"
        pipe = asyncio.subprocess.PIPE
        environ = {**server.environ, "LIVEFEED_URL": server.url}
        shell = await asyncio.create_subprocess_shell(command, env=environ, stdout=pipe, stderr=pipe)
    out, err = await shell.communicate()
    assert json.loads(out)["type"] == "live.stream.snapshot"
    assert err == b""


async def test_publish_says_that_the_server_is_away_and_publishes_when_it_is_back(server: LiveServer) -> None:
    await server.stop()
    publish = await server.spawn("livefeed", "publish", "world", "--headline", "Late.")
    assert publish.stdout is not None
    assert publish.stderr is not None
    hint = (await publish.stderr.readline()).decode()
    assert hint.startswith(f"livefeed: {server.url} cannot be reached: ")
    assert hint.endswith("; trying for up to 30 s\n")
    await server.start()
    assert b"version 1  created" in await publish.stdout.readline()
    assert await publish.wait() == 0
    assert await publish.stderr.read() == b""
