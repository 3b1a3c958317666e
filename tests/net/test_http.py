"""Requests: what is refused, what has to come in time, and which connections are handed over."""

from __future__ import annotations

import asyncio
import gc
import itertools
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import orjson
import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from livefeed.eventstream import sse_block
from livefeed.net import ConnectionLimits, HttpProtocol
from livefeed.net.network import Network
from livefeed.outlets import Outlet
from livefeed.proxies import TrustedProxies
from tests.net.serving import Client, Kind, Served, TinyOwner, served

BLOCK = sse_block(b"1")


def problem(client: Client, status: int) -> str:
    """The detail of the problem document that ends the connection."""
    head = client.head()
    assert head.startswith(f"http/1.1 {status} "), head
    assert "connection: close" in head
    body = orjson.loads(client.read_to_end())
    assert body["status"] == status
    return str(body["detail"])


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\0002\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_proper_request_is_a_400(direct: Served, request_head: bytes) -> None:
    with Client(direct) as client:
        client.send(request_head)
        assert problem(client, 400)


def test_http_1_0_needs_no_host(direct: Served) -> None:
    with Client(direct) as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.head().startswith("http/1.1 200 ")


@pytest.mark.parametrize("end", [b"\r\n\r\n", b""])
def test_a_head_has_a_size(direct: Served, end: bytes) -> None:
    with Client(direct) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 33_000 + end)
        assert "32768 bytes" in problem(client, 431)


def test_trailers_are_no_headers() -> None:
    limits = ConnectionLimits(proxies=TrustedProxies(["127.0.0.1"]))
    with served("direct-uvloop", limits) as server, Client(server) as client:
        client.send(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"
        )
        client.head()
        assert client.read(21) == b"POST 127.0.0.1 http 1"


@pytest.mark.parametrize("endless", [b"0\r\nX: " + b"y" * 33_000, b"1;" + b"y" * 33_000, b"0" * 33_000])
def test_what_comes_with_a_body_has_a_size(direct: Served, endless: bytes) -> None:
    """The parser keeps a field of a trailer in memory, and copies it for each piece that comes, until it ends."""
    with Client(direct) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
        assert client.head().startswith("http/1.1 100 ")
        client.send(endless)
        assert "32768 bytes" in problem(client, 431)


# Deadlines.


@pytest.fixture
def hasty() -> ConnectionLimits:
    return ConnectionLimits(head_timeout=0.5, body_timeout=0.5, body_step=100)


@pytest.mark.parametrize(
    "sent", [b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow:", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12"]
)
def test_a_request_that_does_not_come_is_a_408(hasty: ConnectionLimits, sent: bytes) -> None:
    with served("direct-uvloop", hasty) as server, Client(server) as client:
        client.send(sent)
        assert "in time" in problem(client, 408)
        assert server.network.counters.connections_timed_out == 1


def test_a_connection_that_says_nothing_is_closed_without_a_word(hasty: ConnectionLimits) -> None:
    with served("direct-asyncio", hasty) as server, Client(server) as client:
        assert client.read_to_end() == b""


def test_a_body_may_take_its_time_as_long_as_it_comes() -> None:
    limits = ConnectionLimits(body_timeout=2.5, body_step=10)
    with served("direct-uvloop", limits) as server, Client(server) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\n\r\n")
        for _ in range(6):
            time.sleep(0.5)  # the time is what is tested
            client.send(b"x" * 10)
        assert client.head().startswith("http/1.1 200 ")


def test_an_application_that_is_slow_to_read_is_not_the_clients_fault(hasty: ConnectionLimits) -> None:
    with served("direct-uvloop", hasty) as server, Client(server) as client:
        client.send(b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)
        # The deadline of another connection passes in the meantime, by the same clock.
        with Client(server) as other:
            assert other.read_to_end() == b""
        server.call(server.go_on.set)
        assert client.head().startswith("http/1.1 200 ")
        assert server.network.counters.connections_timed_out == 1


def test_a_served_reader_has_no_deadline(hasty: ConnectionLimits) -> None:
    with served("direct-uvloop", hasty) as server, Client(server) as first, Client(server) as second:
        first.get("/stream")
        owner = server.owner()
        assert second.read_to_end() == b""
        assert owner.told == []


def test_the_next_request_of_a_connection_has_its_own_deadline(direct: Served) -> None:
    with Client(direct) as client:
        for _ in range(3):
            assert client.get("/").startswith("http/1.1 200 ")
            assert client.read(20) == b"GET 127.0.0.1 http 0"


def test_an_answer_that_nobody_takes_is_given_up() -> None:
    limits = ConnectionLimits(answer_timeout=0.5)
    with served("direct-uvloop", limits) as server, Client(server, receive_buffer=4096) as client:
        client.get("/big")
        assert server.heard.get(timeout=10) == "answered"
        assert server.network.counters.connections_stuck == 1


def test_answers_that_are_taken_byte_by_byte_hold_only_so_much_together() -> None:
    with served("direct-uvloop", ConnectionLimits(max_answers=1)) as server, Client(server, receive_buffer=4096) as client:
        client.get("/big")
        assert server.heard.get(timeout=10) == "answered"
        assert server.network.counters.connections_stuck == 1


def test_a_large_body_is_no_large_head(direct: Served) -> None:
    with Client(direct) as client:
        for _ in range(2):
            client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000)
            assert client.head().startswith("http/1.1 200 ")
            assert client.read(26) == b"POST 127.0.0.1 http 200000"


def test_a_body_that_nobody_wants_gets_no_second_answer(hasty: ConnectionLimits) -> None:
    """A proxy would take it for the answer to its next request."""
    with served("direct-uvloop", hasty) as server, Client(server) as client:
        client.send(b"POST /broken HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12")
        assert client.head().startswith("http/1.1 500 ")
        assert client.read_to_end() == b"Internal Server Error"


def test_only_so_many_requests_are_kept(direct: Served) -> None:
    with Client(direct) as client:
        client.send(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        assert b"so many" not in client.read_to_end()


def test_a_websocket_does_not_overtake_an_answer(direct: Served) -> None:
    with Client(direct) as client:
        client.send(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        client.send(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert b" 101 " not in client.read_to_end().partition(b"\r\n\r\n")[2]


# Who may come.


def test_an_address_has_a_number_of_connections() -> None:
    limits = ConnectionLimits(connections_per_address=2)
    with served("direct-uvloop", limits) as server, Client(server) as first:
        first.get("/stream")
        first_owner = server.owner()
        with Client(server) as second, Client(server) as third:
            second.open_websocket()
            second_owner = server.owner()
            third.send(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            assert "this address" in problem(third, 429)
        second_owner.wait_for("closed")
        with Client(server) as fourth:
            assert fourth.get("/stream").startswith("http/1.1 200 ")
            server.owner()
        assert first_owner.told == []
        assert server.network.counters.refused == 1


def test_an_event_source_that_is_one_too_many_comes_again() -> None:
    """It would take any other status as a reason to give up for ever."""
    limits = ConnectionLimits(connections_per_address=1)
    with served("direct-uvloop", limits) as server, Client(server) as first, Client(server) as second:
        first.get("/stream")
        second.send(b"GET /stream HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
        head, _, body = second.read_to_end().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert re.fullmatch(rb"retry: [0-9]{4,5}\n\n", body)


def test_behind_a_proxy_the_forwarded_address_counts() -> None:
    limits = ConnectionLimits(connections_per_address=1, proxies=TrustedProxies(["127.0.0.0/8"]))
    with served("direct-uvloop", limits) as server, Client(server) as a, Client(server) as b, Client(server) as c:
        a.get("/stream", "X-Forwarded-For: 203.0.113.1")
        b.open_websocket("/ws", "X-Forwarded-For: 203.0.113.2")
        c.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.1\r\n\r\n")
        problem(c, 429)


def test_an_application_hears_the_forwarded_address_and_scheme() -> None:
    limits = ConnectionLimits(proxies=TrustedProxies(["127.0.0.0/8"]))
    with served("direct-uvloop", limits) as server, Client(server) as client:
        client.get("/", "X-Forwarded-For: 203.0.113.1", "X-Forwarded-Proto: https")
        assert client.read(23) == b"GET 203.0.113.1 https 0"


def test_whitespace_around_a_value_is_no_part_of_it() -> None:
    limits = ConnectionLimits(proxies=TrustedProxies(["127.0.0.0/8"]))
    with served("direct-uvloop", limits) as server, Client(server) as client:
        client.get("/", "X-Forwarded-For: \t 203.0.113.1 ", "X-Forwarded-Proto: https \t")
        assert client.read(23) == b"GET 203.0.113.1 https 0"


def test_nobody_else_is_believed(direct: Served) -> None:
    with Client(direct) as client:
        client.get("/", "X-Forwarded-For: 203.0.113.1", "X-Forwarded-Proto: https")
        assert client.read(20) == b"GET 127.0.0.1 http 0"


def test_beyond_the_last_connection_nothing_is_read() -> None:
    with served("direct-uvloop", ConnectionLimits(connections=1)) as server, Client(server) as first:
        first.get("/stream")
        owner = server.owner()
        with Client(server) as second:
            assert second.read_to_end() == b""
        assert server.network.counters.refused == 1
        assert owner.told == []


# The hand-over.


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


def test_an_upgrade_to_something_else_is_served_and_nothing_after_it(direct: Served) -> None:
    with Client(direct) as client:
        client.send(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        assert client.head().startswith("http/1.1 200 ")
        assert client.read_to_end() == b"GET 127.0.0.1 http 0"


def test_a_fault_of_the_application_is_a_500(direct: Served) -> None:
    with Client(direct) as client:
        assert client.get("/broken").startswith("http/1.1 500 ")


def test_a_fault_of_an_owner_ends_its_connection(direct: Served) -> None:
    def start(outlet: object) -> object:
        raise ZeroDivisionError

    direct.start = start  # type: ignore[method-assign,assignment]
    with Client(direct) as client:
        client.send(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        with suppress(ConnectionResetError):
            client.read_to_end()
        assert client.unread.partition(b"\r\n\r\n")[2] == b""


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
