"""The hand-over: which connections are handed over, and what is left of their requests."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from livefeed.eventstream import sse_block
from livefeed.net import ConnectionLimits, HttpProtocol
from tests.net.problems import problem
from tests.net.serving import Client, Kind, Served, served

BLOCK = sse_block(b"1")


def test_a_second_request_sent_ahead_keeps_the_stream_on_the_server(direct: Served) -> None:
    direct.greeting = BLOCK
    with Client(direct) as client:
        client.send(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert "transfer-encoding: chunked" in client.head()
        assert client.events(1, chunked=True)[0].data == "1"
        owner = direct.owner()
        direct.call(lambda: owner.outlet.close())
        client.read(5)
        assert client.head().startswith("http/1.1 200 ")


@pytest.mark.parametrize("kind", ["direct-uvloop", "direct-asyncio"])
def test_a_client_that_leaves_unheard_is_no_fault(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    """While a request that was sent ahead waits, nothing is read, and only a write tells that nobody is there."""
    with served(kind) as server:
        server.greeting = BLOCK
        with Client(server) as client:
            client.send(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
            client.head()
            client.events(1, chunked=True)
            owner = server.owner()
        while "closed" not in owner.told:
            server.call(lambda: owner.outlet.write(BLOCK))
    assert caplog.record_tuples == []


@pytest.mark.parametrize("ending", ["closed", "lost", "refused", "handed over"])
def test_a_connection_leaves_no_cycles_behind(ending: str) -> None:
    """They would wait for the garbage collector, which stops all readers for as long as it takes to free them."""
    with served("direct-uvloop") as server, without_collector():
        with Client(server) as client:
            client.get("/")
            client.read(20)
            if ending == "closed":
                client.get("/", "Connection: close")
                client.read_to_end()
            elif ending == "lost":
                client.send(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
                assert server.heard.get(timeout=10) == "answered"
            elif ending == "refused":
                client.send(b"GET / HTTP/1.1\r\n\r\n")
                problem(client, 400)
            else:
                client.get("/stream")
                server.owner()
        while server.network.counters.connections or server.server.server_state.tasks:
            server.call(lambda: None)
        left = [thing for thing in gc.get_objects() if isinstance(thing, HttpProtocol | RequestResponseCycle)]
        assert left == []


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_an_application_hears_that_the_client_has_gone_though_another_request_waits(caplog: pytest.LogCaptureFixture) -> None:
    """Uvicorn tells the last request of a connection, and the one that is served may be an earlier one."""
    with served("direct-uvloop", ConnectionLimits(max_head=1000)) as server, Client(server) as client:
        client.send(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert server.heard.get(timeout=10) == "http.request"
        client.send(b"GET / HTTP/1.1\r\nX: " + b"y" * 2000)
        assert client.read_to_end() == b""
        assert server.heard.get(timeout=10) == "http.disconnect"
    assert caplog.record_tuples == []


def test_a_stream_may_be_the_second_request(direct: Served) -> None:
    direct.greeting = BLOCK
    with Client(direct) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        client.head()
        client.read(20)
        assert "connection: close" in client.head()
        assert client.events(1)[0].data == "1"


@pytest.mark.parametrize("kind", ["direct-uvloop", "direct-asyncio"])
def test_a_stream_behind_an_answer_that_is_not_taken_begins_paused(kind: Kind) -> None:
    limits = ConnectionLimits(high_water=1000, low_water=100)
    with served(kind, limits) as server, Client(server, receive_buffer=4096) as client:
        client.send(b"GET /big-at-once HTTP/1.1\r\nHost: x\r\n\r\nGET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        client.head()
        owner = server.owner()
        client.read(1_000_000)
        assert "connection: close" in client.head()
        owner.wait_for("resume")
        assert owner.told == ["pause", "resume"]


def test_what_follows_a_handed_over_request_is_dropped(direct: Served) -> None:
    with Client(direct) as client:
        client.get("/stream")
        owner = direct.owner()
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        direct.call(lambda: owner.outlet.close(farewell=BLOCK))
        assert client.read_to_end() == BLOCK


def test_nothing_is_left_of_the_request(direct: Served) -> None:
    """The parser, the scope and the cycle of the request are what an idle reader must not cost."""
    with Client(direct) as client:
        client.get("/stream")
        direct.owner()
        state = direct.server.server_state
        assert direct.call(lambda: (len(state.connections), len(state.tasks), len(direct.network))) == (0, 0, 1)


def test_a_fault_of_an_owner_ends_its_connection(direct: Served) -> None:
    def start(outlet: object) -> object:
        raise ZeroDivisionError

    direct.start = start  # type: ignore[method-assign,assignment]
    with Client(direct) as client:
        client.send(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        with suppress(ConnectionResetError):
            client.read_to_end()
        assert client.unread.partition(b"\r\n\r\n")[2] == b""
