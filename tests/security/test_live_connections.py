"""A credential that expired or was revoked ends what it opened, also while nothing happens on it."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import httpx2
import pytest
from redis import Redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.security.test_frames import Raw, frame
from tests.security.tokens import token
from tests.served import ADMIN_KEY, Server
from tests.stores import Store

PATIENCE = 5.0
"""Seconds that a connection may outlive its credential: a promise, so for once a test holds it against a clock."""


def stream(server: Server, key: str) -> socket.socket:
    connection = socket.create_connection(server.address, timeout=20)
    head = f"GET /v1/feeds/secret/events HTTP/1.1\r\nHost: {server.address[0]}\r\nAuthorization: Bearer {key}\r\n\r\n"
    connection.sendall(head.encode())
    heard = b""
    while b"event: hello" not in heard:
        chunk = connection.recv(65536)
        assert chunk, heard
        heard += chunk
    return connection


def websocket(server: Server, key: str, path: str = "/v1/feeds/secret/events") -> ClientConnection:
    opened = server.websocket(path, additional_headers={"authorization": f"Bearer {key}"})
    if path == "/v1/ws":
        opened.send(json.dumps({"op": "subscribe", "feed": "secret"}))
    opened.recv(10)
    return opened


def end_of(connection: ClientConnection) -> tuple[int | None, list[str]]:
    """Its close code, and the types of what came before."""
    heard = []
    try:
        while True:
            message = json.loads(connection.recv(20))
            heard.append(message.get("type") or message.get("op"))
    except ConnectionClosed as closed:
        return (closed.rcvd.code if closed.rcvd else None), heard


def test_an_event_stream_ends_with_its_token(server: Server) -> None:
    with stream(server, token(lasts=2, read=["secret"])) as connection:
        began = time.monotonic()
        heard = server.rest(connection).decode()
    assert time.monotonic() - began < 2 + PATIENCE
    assert "event: goodbye" in heard
    assert "expired" in heard


@pytest.mark.parametrize("path", ["/v1/feeds/secret/events", "/v1/ws"])
def test_a_websocket_ends_with_its_token(server: Server, path: str) -> None:
    with websocket(server, token(lasts=2, read=["secret"]), path) as connection:
        began = time.monotonic()
        code, _ = end_of(connection)
    assert code == 4401
    assert time.monotonic() - began < 2 + PATIENCE


def test_what_a_revoked_key_opened_ends(server: Server) -> None:
    with server.client() as admin:
        made = admin.post("/v1/keys", json={"name": "reader", "grants": {"read": ["secret"]}}).json()
        with (
            stream(server, made["key"]) as events,
            websocket(server, made["key"]) as one,
            websocket(server, made["key"], "/v1/ws") as many,
            stream(server, ADMIN_KEY) as stays,
        ):
            began = time.monotonic()
            assert admin.delete(f"/v1/keys/{made['id']}").status_code == 204
            heard = server.rest(events).decode()
            assert "event: goodbye" in heard
            assert "revoked" in heard
            assert end_of(one)[0] == 4401
            assert end_of(many)[0] == 4401
            assert time.monotonic() - began < PATIENCE
            admin.post("/v1/feeds/secret/items", json={"headline": "Still here"})
            assert b"Still here" in stays.recv(65536)


def test_a_revoked_token_opens_nothing_again(server: Server) -> None:
    text = token("stolen", read=["secret"])
    with server.client() as admin, websocket(server, text) as connection:
        with server.client(text) as thief:
            thief.post("/v1/session")
        trail = admin.get("/v1/audit?limit=5").json()["entries"]
        by = next(entry["by"] for entry in trail if entry["subject"] == "stolen")
        admin.delete(f"/v1/keys/{by}")
        assert end_of(connection)[0] == 4401
    for spelling in (text, text + "="):
        with server.client(spelling) as thief:
            assert thief.get("/v1/feeds/secret/items").status_code == 401


def test_a_body_that_was_begun_before_the_end_publishes_nothing(server: Server) -> None:
    """Thousands of requests could be left half sent, to be finished when the key has long been revoked."""
    body = b'{"headline": "A false flash"}'
    with server.client() as admin:
        made = admin.post("/v1/keys", json={"name": "stolen", "grants": {"publish": ["world"]}}).json()
        head = f"POST /v1/feeds/world/items HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {made['key']}\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(server.address, timeout=20) as connection:
            connection.sendall(head.encode() + body[:-1])
            time.sleep(1.2)  # so long a body may take without being asked again
            admin.delete(f"/v1/keys/{made['id']}").raise_for_status()
            connection.sendall(body[-1:])
            assert server.rest(connection).startswith(b"HTTP/1.1 401 ")
        assert "A false flash" not in admin.get("/v1/feeds/world/items").text


def test_commands_that_wait_end_with_their_token(server: Server, own_store: Store) -> None:
    """The client leaves our Close frame without an answer, so that the connection goes on for a while."""
    with Redis.from_url(own_store.url) as redis, server.client() as admin:
        redis.execute_command("CLIENT", "PAUSE", 3_500, "WRITE")
        head = f"Authorization: Bearer {token(lasts=1, publish=['world'])}\r\n"
        raw = Raw(server, extra=head)
        with raw.connection:
            for number in range(20):
                command = {"op": "publish", "feed": "world", "item": {"headline": f"Too late {number}"}}
                raw.connection.sendall(frame(0x81, json.dumps(command).encode()))
            assert raw.close_code() == 4401
            server.rest(raw.connection)
        found = admin.get("/v1/feeds/world/items", params={"limit": 200}).text
    # Redis keeps what was on its way when the token ended: one command, or two if the first was given up by then.
    assert found.count('"Too late ') <= 2


def test_a_long_poll_ends_with_its_token(server: Server) -> None:
    with server.client(token(lasts=2, read=["secret"]), accept="application/json") as client:
        began = time.monotonic()
        answer = client.get("/v1/feeds/secret/events?wait=30", timeout=30)
    assert answer.status_code == 401
    assert time.monotonic() - began < 2 + PATIENCE


def test_a_session_that_ended_takes_its_connections_along(server: Server) -> None:
    origin = server.url
    with server.client() as admin:
        cookie = admin.post("/v1/session").headers["set-cookie"].partition(";")[0]
    headers = {"cookie": cookie, "origin": origin}
    with (
        server.websocket("/v1/feeds/secret/events", additional_headers=headers) as connection,
        httpx2.Client(base_url=server.url, headers=headers, trust_env=False) as browser,
    ):
        connection.recv(10)
        assert browser.delete("/v1/session").status_code == 204
        assert end_of(connection)[0] == 4401


def test_a_websocket_that_renews_lives_on(server: Server) -> None:
    first = token(lasts=3, read=["secret"])
    with websocket(server, first, "/v1/ws") as connection, websocket(server, first) as witness, server.client() as admin:
        connection.send(json.dumps({"op": "token", "ref": 7, "token": token(lasts=600, read=["secret"])}))
        while json.loads(connection.recv(10)).get("ref") != 7:
            pass
        assert end_of(witness)[0] == 4401, "the first token is over when the one that did not renew it is closed"
        admin.post("/v1/feeds/secret/items", json={"headline": "After the first token"})
        while (message := json.loads(connection.recv(10)))["type"] == "live.stream.heartbeat":
            pass
        assert message["data"]["headline"] == "After the first token"


def test_renewing_with_less_ends_what_it_does_not_grant(server: Server) -> None:
    with websocket(server, token(read=["secret"]), "/v1/ws") as connection, server.client() as admin:
        connection.send(json.dumps({"op": "token", "ref": 7, "token": token(read=["world"])}))
        seen: list[dict[str, Any]] = []
        while not seen or seen[-1].get("op") != "token":
            seen.append(json.loads(connection.recv(10)))
        admin.post("/v1/feeds/secret/items", json={"headline": "Not for them"})
        connection.send(json.dumps({"op": "ping", "ref": "end"}))
        while seen[-1].get("op") != "pong":
            seen.append(json.loads(connection.recv(10)))
    assert "Not for them" not in json.dumps(seen)


@pytest.mark.parametrize("text", ["wrong", "", ADMIN_KEY[:-1]])
def test_renewing_with_nothing_good_is_an_error_and_changes_nothing(server: Server, text: str) -> None:
    with websocket(server, token(read=["secret"]), "/v1/ws") as connection:
        connection.send(json.dumps({"op": "token", "ref": 7, "token": text}))
        while (answer := json.loads(connection.recv(10))).get("ref") != 7:
            pass
    assert answer["op"] == "error"
    assert answer["problem"]["status"] in {400, 401}
