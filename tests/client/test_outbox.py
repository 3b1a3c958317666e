from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import orjson
import pytest

from livefeed import Livefeed, Outbox
from livefeed.exceptions import BadRequest, ConfigError, Forbidden, Unauthorized, Unavailable
from tests.scripted import answer, problem, scripted

DONE = answer(201, {"event": "1-1", "item": {"id": "a1"}})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "desk.outbox"


async def test_entries_go_out_in_order_and_once(path: Path) -> None:
    async with scripted(*[DONE] * 3) as server, Livefeed(server.url) as lf, Outbox(path) as outbox:
        for headline in ("One.", "Two."):
            await outbox.put("world", {"headline": headline})
        await outbox.put("sport", {"uri": "urn:x:3", "headline": "Three."}, op="upsert")
        assert await outbox.pending() == 3
        await outbox.drain(lf)
        assert await outbox.pending() == 0

    bodies = [orjson.loads(request.body) for request in server.requests]
    assert [body["headline"] for body in bodies] == ["One.", "Two.", "Three."]
    assert bodies[0]["uri"].startswith("urn:uuid:")
    assert [request.path.split("/")[3] for request in server.requests] == ["world", "world", "sport"]
    assert [request.query for request in server.requests] == [[], [], [("existing", "update")]]


async def test_an_entry_keeps_its_key_over_restarts(path: Path) -> None:
    async with scripted(b"", DONE) as server, Livefeed(server.url, patience=0) as lf:
        async with Outbox(path) as outbox:
            uri = await outbox.put("world", {"headline": "One."})
            with pytest.raises(Unavailable):
                await outbox.drain(lf)
        async with Outbox(path) as outbox:
            assert await outbox.pending() == 1
            await outbox.drain(lf)
    first, second = server.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body
    assert orjson.loads(first.body)["uri"] == uri


async def test_what_is_refused_for_its_content_does_not_stop_the_others(path: Path) -> None:
    refusal = problem(422, "x", errors=[{"pointer": "/urgency", "rule": "range", "detail": "urgency: 1 to 9"}])
    async with scripted(refusal, DONE) as server, Livefeed(server.url) as lf, Outbox(path) as outbox:
        await outbox.put("world", {"uri": "urn:x:1", "urgency": 10})
        await outbox.put("world", {"headline": "Two."})
        await outbox.drain(lf)
        (rejected,) = await outbox.rejected()
        assert await outbox.pending() == 0
    assert (rejected.feed, rejected.op, rejected.item) == ("world", "publish", {"uri": "urn:x:1", "urgency": 10})
    assert rejected.reason == "urgency: 1 to 9"
    assert len(server.requests) == 2


async def test_what_was_refused_can_be_sent_once_more(path: Path) -> None:
    async with scripted(problem(409, "closed"), DONE, DONE) as server, Livefeed(server.url) as lf, Outbox(path) as outbox:
        await outbox.put("world", {"headline": "One."})
        await outbox.put("world", {"headline": "Two."})
        await outbox.drain(lf)
        assert await outbox.retry() == 1
        assert await outbox.rejected() == []
        await outbox.drain(lf)
        assert await outbox.retry() == 0
    first, _, again = server.requests
    assert again.body == first.body
    assert again.headers["idempotency-key"] == first.headers["idempotency-key"]


async def test_what_was_answered_is_not_sent_again_when_a_later_one_fails(path: Path) -> None:
    async with scripted(DONE, problem(403, "no"), DONE) as server, Livefeed(server.url) as lf, Outbox(path) as outbox:
        await outbox.put("world", {"headline": "One."})
        await outbox.put("world", {"headline": "Two."})
        with pytest.raises(Forbidden):
            await outbox.drain(lf)
        assert await outbox.pending() == 1
        await outbox.drain(lf)
    assert [orjson.loads(request.body)["headline"] for request in server.requests] == ["One.", "Two.", "Two."]


async def test_what_is_refused_for_the_keys_sake_stays(path: Path) -> None:
    async with scripted(problem(401, "no key")) as server, Livefeed(server.url) as lf, Outbox(path) as outbox:
        await outbox.put("world", {"headline": "One."})
        with pytest.raises(Unauthorized):
            await outbox.drain(lf)
        assert await outbox.pending() == 1
        assert await outbox.rejected() == []


async def test_run_sends_what_comes_and_waits_while_the_server_says_no(path: Path) -> None:
    async with scripted(DONE, problem(401, "not yet"), DONE) as server, Livefeed(server.url) as lf, Outbox(path) as outbox:
        await outbox.join()
        running = asyncio.create_task(outbox.run(lf))
        await outbox.put("world", {"headline": "One."})
        await outbox.join()
        await outbox.put("world", {"headline": "Two."})
        await outbox.join()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert [orjson.loads(request.body)["headline"] for request in server.requests] == ["One.", "Two.", "Two."]


async def test_an_item_is_named_by_its_uri_to_be_held(path: Path) -> None:
    found = answer(200, {"items": [{"id": "a1"}], "cursor": "9-9", "next": None})
    nothing = answer(200, {"items": [], "cursor": "9-9", "next": None})
    replies = (found, DONE, found, DONE, found, DONE, nothing)
    async with scripted(*replies) as server, Livefeed(server.url) as lf, Outbox(path) as outbox:
        await outbox.put("world", {"uri": "urn:x:1", "reason": "wrong name"}, op="hold")
        await outbox.put("world", {"uri": "urn:x:1"}, op="release")
        await outbox.put("world", {"uri": "urn:x:1"}, op="cancel")
        await outbox.put("world", {"uri": "urn:x:2"}, op="cancel")
        await outbox.drain(lf)
        (rejected,) = await outbox.rejected()
    assert [request.path.rpartition("/")[2] for request in server.requests if request.method == "POST"] == [
        "hold",
        "release",
        "cancel",
    ]
    assert server.requests[0].query == [("view", "desk"), ("uri", "urn:x:1")]
    assert rejected.reason == "no item of world has the uri 'urn:x:2'"


async def test_a_release_may_bring_the_new_text(path: Path) -> None:
    found = answer(200, {"items": [{"id": "a1"}], "cursor": "9-9", "next": None})
    replies = (found, DONE, found, problem(409, "usable"), DONE)
    async with scripted(*replies) as server, Livefeed(server.url) as lf, Outbox(path) as outbox:
        for _ in range(2):
            await outbox.put("world", {"uri": "urn:x:1", "headline": "Right."}, op="release")
        await outbox.drain(lf)
        assert await outbox.rejected() == []
    sent = [(r.path.rpartition("/")[2], orjson.loads(r.body)) for r in server.requests if r.method == "POST"]
    changes = {"headline": "Right."}
    assert sent == [("release", changes), ("release", changes), ("items", {"uri": "urn:x:1", **changes})]


async def test_notes_are_kept_with_their_entries(path: Path) -> None:
    async with Outbox(path) as outbox:
        await outbox.put_all([("world", {"headline": "One."}, "publish")], notes={"etag": "abc", "seen": "1"})
        await outbox.put_all([], notes={"seen": "2"})
        with pytest.raises(BadRequest, match="uri"):
            await outbox.put_all([("world", {"headline": "Two."}, "upsert")], notes={"seen": "3"})
    async with Outbox(path) as outbox:
        assert await outbox.notes(["etag", "seen", "other"]) == {"etag": "abc", "seen": "2"}
        assert await outbox.pending() == 1


async def test_notes_that_nobody_asks_for_are_forgotten(path: Path) -> None:
    async with Outbox(path) as outbox:
        await outbox.put_all([], notes={"old": "1", "asked": "2", "new": "3"})
    with sqlite3.connect(path) as db:
        db.execute("UPDATE notes SET used = date('now', '-100 days') WHERE name != 'new'")
    db.close()
    async with Outbox(path) as outbox:
        assert await outbox.notes(["asked"]) == {"asked": "2"}
        assert await outbox.forget(days=90) == 1
        assert await outbox.notes(["old", "asked", "new"]) == {"asked": "2", "new": "3"}


async def test_one_process_at_a_time(path: Path) -> None:
    async with Outbox(path):
        with pytest.raises(ConfigError, match="in use by another process"):
            async with Outbox(path):
                pass
    async with Outbox(path) as outbox:
        assert await outbox.pending() == 0


async def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "letter"
    path.write_text("Dear editor, this is certainly not a database.")
    with pytest.raises(ConfigError, match="cannot be used as an outbox"):
        async with Outbox(path):
            pass
    assert path.read_text().startswith("Dear editor")


async def test_entries_are_for_their_owner_only(path: Path) -> None:
    async with Outbox(path) as outbox:
        await outbox.put("world", {"headline": "One."})
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert len(modes) >= 3
    assert set(modes.values()) == {0o600}


async def test_unknown_ops_are_refused(path: Path) -> None:
    async with Outbox(path) as outbox:
        with pytest.raises(BadRequest, match="publish, upsert, hold, release, cancel"):
            await outbox.put("world", {"uri": "urn:x:1"}, op="delete")  # type: ignore[arg-type]


WRITER = """
import asyncio, sys
from livefeed import Outbox
async def main():
    async with Outbox(sys.argv[1]) as outbox:
        for number in range(1000000):
            await outbox.put("world", {"headline": f"{number}"})
            print(number, flush=True)
asyncio.run(main())
"""


async def test_what_was_put_survives_kill_9(path: Path) -> None:
    """All that the process said it had put is there, in order; at most one more is there that it had no time to tell."""
    writer = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, str(path), stdout=asyncio.subprocess.PIPE)
    assert writer.stdout is not None
    for _ in range(20):
        await writer.stdout.readline()
    writer.kill()
    told = 20 + len((await writer.stdout.read()).splitlines())
    await writer.wait()
    async with Outbox(path) as outbox:
        assert told <= await outbox.pending() <= told + 1
    with sqlite3.connect(path) as db:
        headlines = [orjson.loads(row[0])["headline"] for row in db.execute("SELECT item FROM entries ORDER BY number")]
    db.close()
    assert headlines == [str(number) for number in range(len(headlines))]
