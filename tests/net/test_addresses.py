"""Who may connect: limits on connections, and the addresses that proxies report."""

from __future__ import annotations

import re

from livefeed.net import ConnectionLimits
from livefeed.proxies import TrustedProxies
from tests.net.problems import problem
from tests.net.serving import Client, Served, served


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


def test_the_nearest_proxy_says_whether_the_client_is_on_https() -> None:
    limits = ConnectionLimits(proxies=TrustedProxies(["127.0.0.0/8"]))
    with served("direct-uvloop", limits) as server, Client(server) as client:
        client.get("/", "X-Forwarded-For: 203.0.113.1", "X-Forwarded-Proto: http, HTTPS")
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
