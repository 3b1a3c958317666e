"""The main job on real input: a recording is replayed, and every reader sees all of it, in order, once, whatever dies."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from tests.following import Follower, SseFollower, WebSocketFollower, following
from tests.live import KEY, LiveServer
from tests.waiting import until

RECORDING = Path(__file__).parents[3] / "shared" / "data" / "wikipedia_edits_raw.jsonl"
EACH = 100 if "CI" in os.environ else 25

pytestmark = [
    pytest.mark.skipif(not RECORDING.exists(), reason="the recording is not here"),
    pytest.mark.timeout(180),
]


@pytest.fixture
async def server(server: LiveServer) -> LiveServer:
    """The server, with the feed of the recording."""
    async with httpx2.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {KEY}"}) as http:
        assert (await http.put(f"{server.url}/v1/feeds/edits", json={"title": "Edits"})).status_code == 201
    return server


async def replayed(server: LiveServer, speed: int) -> None:
    status, _, err = await server.run("producers", "replay", str(RECORDING), "--feed", "edits", "--speed", str(speed))
    assert status == 0, err


def check(followers: Sequence[Follower]) -> None:
    whole = followers[0].events
    assert [event["id"].split("-")[1] for event in whole] == [str(number) for number in range(1, 1_001)]
    assert len({event["subject"] for event in whole}) == len({event["data"]["uri"] for event in whole})
    for follower in followers:
        assert follower.events == whole
        assert not [name for name, _ in follower.told if name == "reset"]


async def test_every_reader_sees_every_event_once_in_order(server: LiveServer) -> None:
    followers = [kind(server.url, "edits") for kind in (SseFollower, WebSocketFollower) for _ in range(EACH)]
    async with following(followers):
        await replayed(server, 100)
        await until(lambda: all(len(follower.events) >= 1_000 for follower in followers))

    check(followers)


async def test_five_kills_of_the_server_are_invisible(server: LiveServer) -> None:
    followers = [kind(server.url, "edits") for kind in (SseFollower, WebSocketFollower) for _ in range(EACH // 5)]
    async with following(followers):
        producing = asyncio.create_task(replayed(server, 40))
        for kills, share in enumerate((150, 300, 450, 600, 750)):
            # Each kill meets every reader connected: it is not to come before the slowest of them is back.
            await until(lambda: len(followers[0].events) >= share, timeout=60)  # noqa: B023  # awaited in its own turn
            await until(lambda: all(follower.connections > kills for follower in followers))  # noqa: B023
            await server.stop(signal.SIGKILL)
            await server.start()
        await producing
        await until(lambda: all(len(follower.events) >= 1_000 for follower in followers), timeout=30)

    assert all(follower.connections > 5 for follower in followers)
    check(followers)
