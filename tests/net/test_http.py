"""Requests: what is refused, and what has to arrive in time."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from livefeed.net import ConnectionLimits
from livefeed.proxies import TrustedProxies
from tests.net.problems import problem
from tests.net.serving import Client, Served, served


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


def test_a_connection_that_stays_idle_after_an_answer_is_closed(hasty: ConnectionLimits) -> None:
    with served("direct-uvloop", hasty) as server, Client(server) as client:
        for _ in range(2):
            assert client.get("/", method="HEAD").startswith("http/1.1 200 ")
        assert client.read_to_end() == b""
        # Nothing was owed by the client.
        assert server.network.counters.connections_timed_out == 0


@pytest.mark.parametrize(
    ("request_", "behind"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"G"),
        (b"POST /broken HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nx", b""),
        (b"POST /broken HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nx", b"x"),
    ],
    ids=["an empty line", "half a request", "nothing", "the end of the body"],
)
def test_what_comes_behind_an_answer_keeps_no_connection_open(hasty: ConnectionLimits, request_: bytes, behind: bytes) -> None:
    with served("direct-uvloop", hasty) as server, Client(server) as client:
        client.send(request_)
        client.head()
        with suppress(ConnectionError):
            client.send(behind)
            client.read_to_end()


def test_a_connection_in_use_is_not_idle(hasty: ConnectionLimits) -> None:
    with served("direct-uvloop", hasty) as server, Client(server) as client:
        assert client.get("/", method="HEAD").startswith("http/1.1 200 ")
        client.send(b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
        # Another one becomes idle and is closed in the meantime, by the same clock.
        with Client(server) as other:
            assert other.get("/", method="HEAD").startswith("http/1.1 200 ")
            assert other.read_to_end() == b""
        server.call(server.go_on.set)
        assert client.head().startswith("http/1.1 200 ")


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
