from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from livefeed import Livefeed, Outbox
from producers.runner import run, state_path
from tests.scripted import answer, problem, scripted

DONE = answer(201, {"event": "1-1", "item": {"id": "a1"}})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


async def put_one(outbox: Outbox) -> bool:
    await outbox.put("world", {"headline": "One."})
    return True


async def test_what_the_job_put_is_out_when_it_ends(path: Path) -> None:
    async with scripted(DONE) as server:
        assert await run(put_one, lf=Livefeed(server.url), path=path, once=True) == 0
    assert len(server.requests) == 1


async def test_a_job_that_did_not_go_well_is_told_by_the_status(path: Path) -> None:
    async def fails(outbox: Outbox) -> bool:
        await put_one(outbox)
        return False

    async with scripted(DONE) as server:
        assert await run(fails, lf=Livefeed(server.url), path=path, once=True) == 1
    assert len(server.requests) == 1


async def test_what_cannot_go_out_waits_for_the_next_start(path: Path) -> None:
    async with scripted(*[problem(401, "no key")] * 3) as server:
        assert await run(put_one, lf=Livefeed(server.url), path=path, once=True, patience=0.05) == 1
    async with Outbox(path) as outbox:
        assert await outbox.pending() == 1


async def test_a_fault_of_the_job_is_raised(path: Path) -> None:
    async def broken(outbox: Outbox) -> bool:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        await run(broken, lf=Livefeed("http://127.0.0.1:1"), path=path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_job_and_what_waits_goes_out(path: Path, number: signal.Signals) -> None:
    async def for_ever(outbox: Outbox) -> bool:
        await put_one(outbox)
        os.kill(os.getpid(), number)
        await asyncio.Event().wait()
        return True

    async with scripted(DONE) as server:
        assert await run(for_ever, lf=Livefeed(server.url), path=path) == 0
    assert len(server.requests) == 1


def test_each_job_has_a_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEFEED_DATA_DIR", str(tmp_path))
    paths = {
        state_path("rss", "world", "http://a/"),
        state_path("rss", "sport", "http://a/"),
        state_path("rss", "world", "http://b/"),
    }
    assert len(paths) == 3
    assert {path.parent for path in paths} == {tmp_path / "producers"}
    assert state_path("rss", "world", "http://a/") in paths
