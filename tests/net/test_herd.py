"""A herd of clients: how many of their requests begin, and end, per iteration of the event loop."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from livefeed.net import ConnectionLimits
from livefeed.net.network import Network
from livefeed.outlets import Outlet
from tests.net.serving import Client, Served, TinyOwner, served


def test_a_herd_is_begun_a_few_a_turn_in_order() -> None:
    with served("direct-uvloop", ConnectionLimits(starts_per_turn=2)) as server:
        begun: list[int] = []

        def begin(network: Network) -> None:
            for n in range(5):
                network.begin(lambda n=n: begun.append(n))  # type: ignore[misc]

        server.call(lambda: begin(server.network))
        while len(begun) < 5:
            assert len(server.call(lambda: list(begun))) in (0, 2, 4, 5)
        assert begun == [0, 1, 2, 3, 4]


def test_those_whose_time_is_up_are_ended_a_few_a_turn() -> None:
    """500 slow requests that came together also end together, and readers must get their turns in between."""

    class Slow:
        def out_of_time(self) -> None:
            ended.append(self)

        timeout_keep_alive_handler = out_of_time

    ended: list[Slow] = []

    async def come_together() -> list[int]:
        network = Network(ConnectionLimits(head_timeout=0))
        turns = []
        for connection in (slow := [Slow() for _ in range(100)]):
            network.await_head(connection)
        while len(ended) < len(slow):
            await asyncio.sleep(0)
            turns.append(len(ended))
        assert ended == slow
        return turns

    turns = asyncio.run(come_together())
    assert max(later - earlier for earlier, later in itertools.pairwise(turns)) < 20


def test_only_streams_wait_in_the_herd() -> None:
    """All requests come in the same turn of the loop; in each of the turns that follow one stream may begin."""
    with served("direct-uvloop", ConnectionLimits(starts_per_turn=1)) as server, ExitStack() as stack:
        readers = [stack.enter_context(Client(server)) for _ in range(50)]
        producer = stack.enter_context(Client(server))
        while server.call(lambda: server.network.counters.connections) <= len(readers):
            pass

        def start(outlet: Outlet) -> TinyOwner:
            server.heard.put("begun")
            return Served.start(server, outlet)

        server.start = start  # type: ignore[method-assign]
        with held(server):
            for reader in readers:
                reader.send(b"GET /stream HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
            producer.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
        for client in (producer, *readers):
            assert client.head().startswith("http/1.1 200 ")
        told = [server.heard.get(timeout=10) for _ in range(len(readers) + 1)]
        assert told.index("answered") < len(readers) // 2


@contextmanager
def held(server: Served) -> Iterator[None]:
    """The server's loop stands still; what is sent meanwhile is all there when it goes on."""
    standing, go_on = threading.Event(), threading.Event()

    def stand() -> None:
        standing.set()
        assert go_on.wait(10)

    assert server.loop is not None
    server.loop.call_soon_threadsafe(stand)
    assert standing.wait(10)
    yield
    go_on.set()
