"""WebSocket handshakes, and connections that are handed over after them."""

from __future__ import annotations

import struct

import pytest
from websockets.frames import Frame, Opcode

from livefeed.frames import text_frame
from livefeed.net import ConnectionLimits
from tests.net.serving import Client, Served, served

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="


def handshake(*lines: str, first: str = "GET /ws HTTP/1.1") -> bytes:
    return "\r\n".join([first, "Host: x", "Upgrade: websocket", "Connection: Upgrade", *lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (handshake("Sec-WebSocket-Version: 8", KEY), 426),
        (handshake(KEY), 426),
        (handshake("Sec-WebSocket-Version: 13"), 400),
        (handshake("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: short"), 400),
        (handshake("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: !!!!"), 400),
        (handshake("Sec-WebSocket-Version: 13", KEY, "Content-Length: 2"), 400),
        (handshake("Sec-WebSocket-Version: 13", KEY, first="POST /ws HTTP/1.1"), 400),
        (handshake("Sec-WebSocket-Version: 13", KEY, first="GET /ws HTTP/1.0"), 400),
        (handshake("Sec-WebSocket-Version: 13", KEY, first="GET /wé HTTP/1.1"), 400),
        (handshake("Sec-WebSocket-Version: 13", KEY, first="GET ws HTTP/1.1"), 400),
    ],
)
def test_a_faulty_handshake_is_refused(direct: Served, request_head: bytes, status: int) -> None:
    with Client(direct) as client:
        client.send(request_head)
        head = client.head()
        assert head.startswith(f"http/1.1 {status} ")
        assert ("sec-websocket-version: 13" in head) == (status == 426)
        client.read_to_end()
        assert direct.owners == []


def test_a_target_may_be_a_whole_url(direct: Served) -> None:
    with Client(direct) as client:
        client.send(handshake("Sec-WebSocket-Version: 13", KEY, first="GET http://x/ws?subprotocol=a HTTP/1.1"))
        assert "sec-websocket-protocol: a" in client.head()


def test_a_frame_in_the_segment_of_the_handshake_is_read(direct: Served) -> None:
    with Client(direct) as client:
        client.open_websocket(
            early=Frame(Opcode.TEXT, b"early").serialize(mask=True) + Frame(Opcode.PING, b"").serialize(mask=True)
        )
        direct.owner().wait_for("early")
        assert client.frame().opcode == Opcode.PONG


def test_a_flood_before_the_answer_is_cut_off(direct: Served) -> None:
    with Client(direct) as client:
        client.send(handshake("Sec-WebSocket-Version: 13", KEY, first="GET /never HTTP/1.1"))
        assert direct.heard.get(timeout=10) == "websocket.connect"
        client.send(b"x" * 70_000)
        assert direct.heard.get(timeout=10) == "websocket.disconnect"


def test_a_client_that_leaves_before_the_answer_is_noticed(direct: Served) -> None:
    with Client(direct) as client:
        client.send(handshake("Sec-WebSocket-Version: 13", KEY, first="GET /never HTTP/1.1"))
        assert direct.heard.get(timeout=10) == "websocket.connect"
    assert direct.heard.get(timeout=10) == "websocket.disconnect"


def test_a_fault_of_the_application_is_a_500(direct: Served) -> None:
    with Client(direct) as client:
        assert client.open_websocket("/broken").startswith("http/1.1 500 ")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x01x", 1002),
        (b"\x83\x80\0\0\0\0", 1002),
        (b"\x81\x81\0\0\0\0\xff", 1007),
        (b"\x82\xff" + struct.pack("!Q", 17 * 1024 * 1024), 1009),
    ],
)
def test_a_fault_of_the_client_is_told_and_ends_it(direct: Served, sent: bytes, code: int) -> None:
    with Client(direct) as client:
        client.open_websocket()
        owner = direct.owner()
        client.send(sent)
        frame = client.frame()
        assert (frame.opcode, bytes(frame.data[:2])) == (Opcode.CLOSE, struct.pack("!H", code))
        assert client.read_to_end() == b""
    owner.wait_for("closed")
    assert owner.told == ["closed"]


def test_a_client_that_still_sends_hears_why_it_was_refused(direct: Served) -> None:
    with Client(direct) as client:
        client.open_websocket()
        client.send(b"\x82\xff" + struct.pack("!Q", 17 * 1024 * 1024) + b"\0" * 1_000_000)
        assert bytes(client.frame().data[:2]) == struct.pack("!H", 1009)


def test_one_byte_at_a_time(direct: Served) -> None:
    with Client(direct) as client:
        client.open_websocket()
        owner = direct.owner()
        for byte in Frame(Opcode.TEXT, b"hello").serialize(mask=True):
            client.send(bytes([byte]))
        owner.wait_for("hello")


def test_of_many_pings_only_the_last_fills_a_stuck_buffer(direct: Served) -> None:
    with Client(direct, receive_buffer=4096) as client:
        client.open_websocket()
        owner = direct.owner()
        while direct.call(lambda: owner.outlet.writable):
            direct.call(lambda: owner.outlet.write(text_frame(b"x" * 10_000)))
        client.send(b"".join(Frame(Opcode.PING, b"%d" % n).serialize(mask=True) for n in range(1000)))
        client.send_frame(Opcode.TEXT, b"seen")
        owner.wait_for("seen")
        while (frame := client.frame()).opcode == Opcode.TEXT:
            pass
        assert (frame.opcode, frame.data) == (Opcode.PONG, b"999")


# Who is silent.


def test_a_peer_that_answers_no_ping_is_given_up() -> None:
    with served("direct-uvloop", ConnectionLimits(ping_interval=1)) as server, Client(server) as client:
        client.open_websocket()
        owner = server.owner()
        assert client.frame().opcode == Opcode.PING
        owner.wait_for("closed")
        assert server.network.counters.connections_silent == 1


def test_a_peer_that_answers_stays() -> None:
    with served("direct-asyncio", ConnectionLimits(ping_interval=1)) as server, Client(server) as client:
        client.open_websocket()
        owner = server.owner()
        for _ in range(3):
            assert client.frame().opcode == Opcode.PING
            client.send_frame(Opcode.PONG)
        assert owner.told == []


def test_a_peer_that_is_behind_is_not_taken_for_silent() -> None:
    limits = ConnectionLimits(ping_interval=1)
    with served("direct-uvloop", limits) as server, Client(server, receive_buffer=4096) as client, Client(server) as other:
        client.open_websocket()
        owner = server.owner()
        while server.call(lambda: owner.outlet.writable):
            server.call(lambda: owner.outlet.write(text_frame(b"x" * 10_000)))
        other.open_websocket()
        server.owner().wait_for("closed")
        assert owner.told == ["pause"]


@pytest.mark.parametrize("path", ["/stream", "/ws"])
def test_a_reader_that_takes_nothing_is_given_up(path: str) -> None:
    limits = ConnectionLimits(write_timeout=0.5)
    with served("direct-uvloop", limits) as server, Client(server, receive_buffer=4096) as client:
        client.get(path) if path == "/stream" else client.open_websocket()
        owner = server.owner()
        while server.call(lambda: owner.outlet.writable):
            server.call(lambda: owner.outlet.write(text_frame(b"x" * 10_000)))
        owner.wait_for("closed")
        assert owner.told == ["pause", "closed"]
        assert server.network.counters.connections_stuck == 1


@pytest.mark.parametrize("path", ["/stream", "/ws"])
def test_a_farewell_that_nobody_takes_does_not_wait_for_ever(path: str) -> None:
    limits = ConnectionLimits(write_timeout=0.5, close_timeout=0.5)
    with served("direct-uvloop", limits) as server, Client(server, receive_buffer=4096) as client:
        client.get(path) if path == "/stream" else client.open_websocket()
        owner = server.owner()
        server.call(lambda: owner.outlet.close(1012, "", text_frame(b"x" * 3_000_000)))
        owner.wait_for("closed")


def test_a_close_frame_that_is_not_answered_does_not_wait_for_ever() -> None:
    with served("direct-uvloop", ConnectionLimits(close_timeout=0.5)) as server, Client(server) as client:
        client.open_websocket()
        owner = server.owner()
        server.call(lambda: owner.outlet.close(1012))
        owner.wait_for("closed")


def test_draining_waits_for_the_last_reader(direct: Served) -> None:
    with Client(direct) as stream, Client(direct) as websocket:
        stream.get("/stream")
        websocket.open_websocket()
        direct.owner()
        direct.owner()
        for owner in direct.owners:
            direct.call(lambda owner=owner: owner.outlet.close(1012))  # type: ignore[misc]
        websocket.send_frame(Opcode.CLOSE)
        direct.run(direct.network.drained(10))
        assert [owner.told for owner in direct.owners] == [["closed"], ["closed"]]


def test_draining_cuts_off_who_does_not_leave(direct: Served) -> None:
    with Client(direct) as stream, Client(direct) as websocket:
        stream.get("/stream")
        websocket.open_websocket()
        direct.owner()
        direct.owner()
        direct.run(direct.network.drained(0.1))
        for owner in direct.owners:
            owner.wait_for("closed")
