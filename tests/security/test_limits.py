"""What one client may use up: never what the others need."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.security.siege import lay_siege
from tests.security.tokens import token
from tests.served import Server, running
from tests.stores import running_store

CONNECTIONS = 12


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with small limits, behind a proxy on the same machine."""
    settings = {
        "LIVEFEED_PUBLISH_RATE": "0.5",
        "LIVEFEED_PUBLISH_BURST": "50",
        "LIVEFEED_CONNECTIONS_PER_ADDRESS": str(CONNECTIONS),
        "LIVEFEED_TRUSTED_PROXIES": "127.0.0.1",
    }
    with running_store() as store, running(tmp_path_factory.mktemp("tight"), store.url, **settings) as server:
        with server.client() as admin:
            admin.put("/v1/feeds/world", json={}).raise_for_status()
        yield server


def test_a_key_that_publishes_too_much_is_told_when_to_come_again(tight: Server) -> None:
    with tight.client(token("flood", publish=["*"])) as flood, tight.client(token("calm", publish=["*"])) as calm:
        answers = [flood.post("/v1/feeds/world/items", json={"headline": f"Flood {n}"}) for n in range(120)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert {answer.status_code for answer in answers} == {201, 429}
        assert len(refused) > 50
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        assert calm.post("/v1/feeds/world/items", json={"headline": "Calm"}).status_code == 201


def test_a_batch_counts_for_all_its_items(tight: Server) -> None:
    with tight.client(token("batches", publish=["*"])) as client:
        batch = [{"headline": f"Batch {n}"} for n in range(60)]
        assert client.post("/v1/feeds/world/items", json=batch).status_code == 200
        assert client.post("/v1/feeds/world/items", json={"headline": "One more"}).status_code == 429


def test_a_kill_is_never_one_too_many(tight: Server) -> None:
    with tight.client(token("desk", edit=["*"])) as client:
        item = client.post("/v1/feeds/world/items", json={"headline": "Wrong"}).json()["item"]["id"]
        while client.post("/v1/feeds/world/items", json={"headline": "More"}).status_code == 201:
            pass
        assert client.post(f"/v1/feeds/world/items/{item}/cancel", json={}).status_code == 200


def test_changes_count_like_what_is_new(tight: Server) -> None:
    """Each is an event, and pushes an older one out of the log."""
    with tight.client(token("changes", edit=["*"])) as client:
        item = client.post("/v1/feeds/world/items", json={"headline": "0"}).json()["item"]["id"]
        path = f"/v1/feeds/world/items/{item}"
        codes = [client.patch(path, json={"headline": str(n)}).status_code for n in range(1, 60)]
        assert set(codes) == {200, 429}
        assert client.post(f"{path}/hold").status_code == 200
        assert client.post(f"{path}/release").status_code == 429


def test_another_address_in_a_header_is_no_other_limit(tight: Server) -> None:
    """The rate is the key's, so that no header can multiply it."""
    with tight.client(token("spoof", publish=["*"])) as client:
        codes = [
            client.post(
                "/v1/feeds/world/items", json={"headline": str(n)}, headers={"x-forwarded-for": f"203.0.113.{n}"}
            ).status_code
            for n in range(120)
        ]
    assert 429 in codes


def test_a_page_of_large_events_is_no_large_page(server: Server) -> None:
    with server.client() as admin, server.client(None, accept="application/json") as reader:
        admin.put("/v1/feeds/large", json={}).raise_for_status()
        text = "A long report. " * 2_000
        for _ in range(3):
            admin.post("/v1/feeds/large/items", json=[{"headline": str(n), "bodyText": text} for n in range(50)])
        cursor = "0-0"
        pages: list[dict[str, Any]] = []
        while not pages or pages[-1]["more"]:
            answer = reader.get(f"/v1/feeds/large/events?limit=500&after={cursor}")
            assert len(answer.content) < 1_300_000
            pages.append(answer.json())
            cursor = pages[-1]["cursor"]
        assert sum(len(page["events"]) for page in pages) == 150
        assert len(pages) > 3


@pytest.fixture(scope="module")
def long_feed(server: Server) -> str:
    with server.client() as admin:
        admin.put("/v1/feeds/long", json={}).raise_for_status()
        for _ in range(6):
            admin.post("/v1/feeds/long/items", json=[{"headline": str(n)} for n in range(1_000)])
    return "/v1/feeds/long"


def test_a_filter_that_nothing_passes_reads_no_whole_log_at_once(server: Server, long_feed: str) -> None:
    with server.client(None, accept="application/json") as reader:
        page = reader.get(f"{long_feed}/events?after=0-0&tag=none&wait=1").json()
        assert (page["events"], page["more"]) == ([], True)
        page = reader.get(f"{long_feed}/events?after={page['cursor']}&tag=none").json()
        assert (page["events"], page["more"]) == ([], False)


def test_many_searches_at_once_take_turns(server: Server, long_feed: str) -> None:
    def search(_: int) -> int:
        with server.client(None) as client:
            return client.get(f"{long_feed}/items?q=nowhere").status_code

    with ThreadPoolExecutor(40) as pool:
        codes = list(pool.map(search, range(40)))
    assert set(codes) <= {200, 429}
    assert codes.count(200) >= 16


def open_stream(server: Server, address: str, accept: str = "*/*") -> tuple[socket.socket, bytes]:
    connection = socket.create_connection(server.address, timeout=15)
    head = f"GET /v1/feeds/world/events HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nX-Forwarded-For: {address}\r\n\r\n"
    connection.sendall(head.encode())
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += connection.recv(65536)
    return connection, heard


def test_one_connection_too_many_is_429_and_others_connect(tight: Server) -> None:
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            connection, heard = open_stream(tight, "203.0.113.1")
            stack.enter_context(connection)
            assert heard.startswith(b"HTTP/1.1 200 ")
        connection, heard = open_stream(tight, "203.0.113.1")
        stack.enter_context(connection)
        assert heard.startswith(b"HTTP/1.1 429 ")
        assert b"\r\nretry-after: " in heard.lower()
        connection, heard = open_stream(tight, "203.0.113.1", "text/event-stream")
        stack.enter_context(connection)
        assert heard.startswith(b"HTTP/1.1 200 ")
        assert b"retry: " in heard + tight.rest(connection)
        connection, heard = open_stream(tight, "203.0.113.2")
        stack.enter_context(connection)
        assert heard.startswith(b"HTTP/1.1 200 ")
    connection, heard = open_stream(tight, "203.0.113.1")
    connection.close()
    assert heard.startswith(b"HTTP/1.1 ")


def test_slow_heads_and_bodies_are_ended_and_nobody_waits_for_them(tight: Server) -> None:
    """A few of each kind; the figures with hundreds are in the documentation."""
    heads = [b"", b"GET / HTTP/1.1\r\nX-A: ", b"POST /v1/feeds/world/items HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"]
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(tight.address, timeout=30)) for _ in range(9)]
        for index, connection in enumerate(slow):
            connection.sendall(heads[index % 3])
        with tight.client(None, x_forwarded_for="203.0.113.77") as client:
            began = time.monotonic()
            assert client.get("/livez").status_code == 200
            assert time.monotonic() - began < 2
        answers = [tight.rest(connection) for connection in slow]
    assert answers[0] == b""
    assert answers[1].startswith(b"HTTP/1.1 408 ")
    assert answers[2].startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 401 "))


@pytest.mark.timeout(120)
async def test_under_siege_healthy_readers_miss_nothing(server: Server) -> None:
    """Small here; `python -m tests.security.siege` lays a whole one."""
    siege = await lay_siege(server, slow=10, readers=5, seconds=2)
    assert siege.missed == 0
    assert siege.attacks["flood"] > 0
    assert siege.attacks["bombs"] > 0
    with server.client(None) as client:
        assert client.get("/readyz").status_code == 200
