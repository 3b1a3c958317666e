"""On a Redis Cluster a feed lives in one slot, and everything works as on one Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from livefeed.log import scripts
from livefeed.log.connect import connect
from tests.following import SseFollower, WebSocketFollower, following
from tests.live import KEY, live_server
from tests.ports import settled_port
from tests.stores import Store
from tests.waiting import until

FEEDS = ("world", "sport", "weather", "markets")


@pytest.fixture
async def cluster(short_path: Path) -> AsyncIterator[str]:
    """The address of a Cluster of three."""
    ports = [settled_port() for _ in range(3)]
    async with AsyncExitStack() as stack:
        nodes = []
        for number, port in enumerate(ports):
            folder = short_path / str(number)
            folder.mkdir()
            bus = str(settled_port())
            node = Store(folder, "--port", str(port), "--cluster-enabled", "yes", "--cluster-port", bus)
            node.start()
            stack.callback(node.kill)
            nodes.append(connect(node.url))
            stack.push_async_callback(nodes[-1].aclose)
            first, last = 16_384 * number // 3, 16_384 * (number + 1) // 3 - 1
            await scripts.command(nodes[-1], "CLUSTER", "ADDSLOTSRANGE", first, last)
            if number:
                buses = await scripts.command(nodes[0], "CONFIG", "GET", "cluster-port")
                await scripts.command(nodes[-1], "CLUSTER", "MEET", "127.0.0.1", ports[0], *dict(buses).values())

        async def ready() -> bool:
            told = [await scripts.command(node, "CLUSTER", "INFO") for node in nodes]
            return all(b"cluster_state:ok" in info and b"cluster_known_nodes:3" in info for info in told)

        await until(ready, timeout=30)
        yield f"redis+cluster://127.0.0.1:{ports[0]}"


@pytest.mark.timeout(120)
async def test_feeds_of_many_slots_are_published_followed_and_filled_by_their_inboxes(cluster: str, tmp_path: Path) -> None:
    async with live_server(cluster, tmp_path) as server, AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx2.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, trust_env=False))
        for feed in FEEDS:
            assert (await http.put(f"{server.url}/v1/feeds/{feed}", json={})).status_code == 201
        followers = [kind(server.url, feed) for kind in (SseFollower, WebSocketFollower) for feed in FEEDS]
        async with following(followers):
            for number in range(20):
                for feed in FEEDS:
                    body = {"headline": f"{feed} {number}"}
                    assert (await http.post(f"{server.url}/v1/feeds/{feed}/items", json=body)).status_code == 201
            client = connect(cluster)
            stack.push_async_callback(client.aclose)
            for feed in FEEDS:
                await client.xadd(f"livefeed:{{{feed}}}:inbox", {"item": '{"headline":"from the inbox"}'})
            await until(lambda: all(len(follower.events) == 21 for follower in followers), timeout=30)

    for follower in followers:
        assert follower.numbers == list(range(1, 22))
