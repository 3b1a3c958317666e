"""One connection behind an outlet: the same promises on a handed-over transport and on any ASGI server."""

from __future__ import annotations

import struct

import pytest
from websockets.frames import Opcode

from livefeed.eventstream import SSE, sse_block
from livefeed.frames import FRAMES, text_frame
from livefeed.outlets import Outlet
from tests.net.serving import Client, Served, TinyOwner

BLOCK = sse_block(b'{"n":1}')
FRAME = text_frame(b'{"n":1}')
LARGE = text_frame(b"x" * 1_000_000)


def is_plain(server: Served) -> bool:
    return server.kind.startswith("plain")


def test_a_stream_begins_with_its_head_and_what_the_owner_wrote(server: Served) -> None:
    server.greeting = BLOCK
    with Client(server) as client:
        head = client.get("/stream")
        assert head.startswith("http/1.1 200 ok\r\n")
        for header in (
            "content-type: text/event-stream",
            "cache-control: no-store, no-transform",
            "x-accel-buffering: no",
            "x-test: yes",
        ):
            assert header in head.split("\r\n")
        assert client.events(1, chunked=is_plain(server))[0].data == '{"n":1}'
        assert server.owner().outlet.wire is SSE


def test_writes_arrive_in_their_order(server: Served) -> None:
    with Client(server) as client:
        client.get("/stream")
        outlet = server.owner().outlet
        for n in range(50):
            server.call(lambda n=n: outlet.write(sse_block(b"%d" % n)))  # type: ignore[misc]
        assert [event.data for event in client.events(50, chunked=is_plain(server))] == [str(n) for n in range(50)]


def test_a_stream_ends_with_its_farewell(server: Served) -> None:
    with Client(server) as client:
        client.get("/stream")
        owner = server.owner()
        server.call(lambda: owner.outlet.close(1012, "restart", BLOCK))
        assert BLOCK in client.read_to_end()
        owner.wait_for("closed")


def test_a_stream_may_end_while_it_starts(server: Served) -> None:
    begin = server.start

    def start(outlet: object) -> object:
        owner = begin(outlet)  # type: ignore[arg-type]
        owner.outlet.close(1013, "", BLOCK)
        return owner

    server.start = start  # type: ignore[method-assign,assignment]
    with Client(server) as client:
        client.get("/stream")
        assert BLOCK in client.read_to_end()
        server.owner().wait_for("closed")


def test_closed_is_told_once_and_then_nothing_is_written(server: Served) -> None:
    with Client(server) as client:
        client.get("/stream")
        owner = server.owner()
        server.call(lambda: owner.outlet.close())
        client.read_to_end()
        owner.wait_for("closed")
        for _ in range(3):
            server.call(lambda: owner.outlet.write(BLOCK))
            server.call(owner.outlet.close)
            server.call(owner.outlet.abort)
        assert owner.told == ["closed"]


@pytest.mark.parametrize("path", ["/stream", "/ws"])
def test_a_client_that_goes_away_is_noticed(server: Served, path: str) -> None:
    with Client(server) as client:
        client.get(path) if path == "/stream" else client.open_websocket()
        owner = server.owner()
    owner.wait_for("closed")
    server.call(lambda: owner.outlet.write(BLOCK))
    assert owner.told == ["closed"]


@pytest.mark.parametrize("path", ["/stream", "/ws"])
def test_an_abort_ends_the_connection_at_once(server: Served, path: str) -> None:
    with Client(server, receive_buffer=4096) as client:
        client.get(path) if path == "/stream" else client.open_websocket()
        owner = server.owner()
        server.call(lambda: owner.outlet.write(LARGE))
        owner.wait_for("pause")
        server.call(owner.outlet.abort)
        owner.wait_for("closed")
        assert [owner.told[0], owner.told[-1]] == ["pause", "closed"]


@pytest.mark.parametrize("path", ["/stream", "/ws"])
def test_a_slow_client_pauses_its_owner_and_resumes_it(server: Served, path: str) -> None:
    with Client(server, receive_buffer=4096) as client:
        client.get(path) if path == "/stream" else client.open_websocket()
        owner = server.owner()
        payload = b"x" * 1000
        data = sse_block(payload) if path == "/stream" else text_frame(payload)
        count = 0
        while server.call(lambda: owner.outlet.writable):
            server.call(lambda: owner.outlet.write(data * 10))
            count += 10
        assert owner.told == ["pause"]
        if path == "/stream":
            assert len(client.events(count, chunked=True) if is_plain(server) else client.events(count)) == count
        else:
            assert all(client.frame().data == payload for _ in range(count))
        owner.wait_for("resume")
        assert owner.told == ["pause", "resume"]


@pytest.mark.parametrize("path", ["/stream", "/ws"])
def test_a_kept_send_neither_overtakes_nor_outlives_its_connection(server: Served, path: str) -> None:
    def data(n: int) -> bytes:
        payload = b"%05d" % n + b"x" * 20_000
        return sse_block(payload) if path == "/stream" else text_frame(payload)

    with Client(server, receive_buffer=4096) as client:
        client.get(path) if path == "/stream" else client.open_websocket()
        outlet = server.owner().outlet
        send = outlet.send

        def deliver(data: bytes) -> None:
            """As a group does."""
            try:
                sent = send(data)
            except OSError:
                sent = 0
            if sent is not None and sent < len(data):
                outlet.write(memoryview(data)[sent:])

        for n in range(500):
            server.call(lambda n=n: deliver(data(n)))  # type: ignore[misc]
        if path == "/stream":
            got = [event.data for event in client.events(500, chunked=is_plain(server))]
        else:
            got = [bytes(client.frame().data).decode() for _ in range(500)]
        assert [text[:5] for text in got] == [f"{n:05d}" for n in range(500)]
        server.call(outlet.abort)
        server.owners[-1].wait_for("closed")
    with Client(server) as client:
        # This connection may have the descriptor of the last one.
        client.get(path) if path == "/stream" else client.open_websocket()
        server.call(lambda: deliver(data(500)))
        later = server.owner().outlet
        server.call(lambda: later.write(data(501)))
        first = client.events(1, chunked=is_plain(server))[0].data if path == "/stream" else bytes(client.frame().data).decode()
        assert first.startswith("00501")


@pytest.mark.parametrize("path", ["/stream", "/ws"])
def test_an_owner_may_be_behind_from_its_start(server: Served, path: str) -> None:
    server.greeting = LARGE
    with Client(server, receive_buffer=4096) as client:
        client.get(path) if path == "/stream" else client.open_websocket()
        owner = server.owner()
        owner.wait_for("pause")
        assert owner.told[0] == "pause"


class Replay(TinyOwner):
    """Has more to say than a connection may keep waiting, and says it as far as it may."""

    def __init__(self, outlet: Outlet, block: bytes, count: int) -> None:
        super().__init__(outlet, b"")
        self.block = block
        self.left = count
        self.most = 0
        self.advance()

    def advance(self) -> None:
        begun = self.left
        while self.left and self.outlet.writable:
            self.outlet.write(self.block)
            self.left -= 1
        self.most = max(self.most, begun - self.left)

    def resume(self) -> None:
        super().resume()
        self.advance()


@pytest.mark.parametrize("path", ["/stream", "/ws"])
def test_a_long_replay_stops_where_its_connection_does(server: Served, path: str) -> None:
    payload = b"x" * 10_000
    block = sse_block(payload) if path == "/stream" else text_frame(payload)

    def start(outlet: Outlet) -> TinyOwner:
        server.owners.append(Replay(outlet, block, 300))
        server.joined.release()
        return server.owners[-1]

    server.start = start  # type: ignore[method-assign]
    with Client(server, receive_buffer=4096) as client:
        client.get(path) if path == "/stream" else client.open_websocket()
        owner = server.owner()
        assert isinstance(owner, Replay)
        if path == "/stream":
            assert len(client.events(300, chunked=is_plain(server))) == 300
        else:
            assert all(client.frame().data == payload for _ in range(300))
        assert owner.left == 0
        assert owner.most < 100


def test_http_1_0_gets_the_same_stream_without_chunks(server: Served) -> None:
    server.greeting = BLOCK
    with Client(server) as client:
        client.get("/stream", version="1.0")
        owner = server.owner()
        server.call(lambda: owner.outlet.close())
        if not is_plain(server):
            assert client.read_to_end() == BLOCK
        else:
            assert BLOCK in client.read_to_end()


def test_head_gets_no_stream(server: Served) -> None:
    with Client(server) as client:
        head = client.get("/stream", "Connection: close", method="HEAD")
        assert "content-type: text/event-stream" in head
        assert client.read_to_end() == b""
        assert server.owners == []


def test_a_request_with_a_body_is_read_to_its_end(server: Served) -> None:
    """Left unread, it would keep the server from seeing that the connection closes."""
    server.greeting = BLOCK
    with Client(server) as client:
        client.send(b"GET /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)
        client.head()
        assert client.events(1, chunked=True)[0].data == '{"n":1}'
        owner = server.owner()
    owner.wait_for("closed")


# WebSocket.


def test_a_websocket_is_accepted_with_its_subprotocol(server: Served) -> None:
    server.greeting = FRAME
    with Client(server) as client:
        head = client.open_websocket("/ws?subprotocol=cloudevents.json", "Sec-WebSocket-Protocol: other, cloudevents.json")
        assert head.startswith("http/1.1 101 switching protocols\r\n")
        assert "sec-websocket-protocol: cloudevents.json" in head
        assert "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=" in head
        assert client.frame().data == b'{"n":1}'
        assert server.owner().outlet.wire is FRAMES


def test_messages_reach_the_owner(server: Served) -> None:
    with Client(server) as client:
        client.open_websocket()
        owner = server.owner()
        client.send_frame(Opcode.TEXT, "né".encode())
        client.send_frame(Opcode.BINARY, b"\0\xff")
        owner.wait_for(b"\0\xff")
        assert owner.told == ["né", b"\0\xff"]


def test_a_ping_is_answered(server: Served) -> None:
    with Client(server) as client:
        client.open_websocket()
        client.send_frame(Opcode.PING, b"there?")
        frame = client.frame()
        assert (frame.opcode, frame.data) == (Opcode.PONG, b"there?")


def test_several_events_of_one_write_are_several_messages(server: Served) -> None:
    with Client(server) as client:
        client.open_websocket()
        outlet = server.owner().outlet
        server.call(lambda: outlet.write(text_frame(b"1") + text_frame(b"2" * 70_000) + text_frame(b"")))
        assert [bytes(client.frame().data) for _ in range(3)] == [b"1", b"2" * 70_000, b""]


def test_a_close_carries_code_reason_and_farewell(server: Served) -> None:
    with Client(server) as client:
        client.open_websocket()
        owner = server.owner()
        server.call(lambda: owner.outlet.close(1012, "restart", FRAME))
        assert client.frame().data == b'{"n":1}'
        frame = client.frame()
        assert (frame.opcode, frame.data) == (Opcode.CLOSE, struct.pack("!H", 1012) + b"restart")
        client.send_frame(Opcode.CLOSE, struct.pack("!H", 1012))
        assert client.read_to_end() == b""
        owner.wait_for("closed")
        assert owner.told == ["closed"]


def test_the_clients_close_is_answered(server: Served) -> None:
    with Client(server) as client:
        client.open_websocket()
        owner = server.owner()
        client.send_frame(Opcode.CLOSE, struct.pack("!H", 1001))
        frame = client.frame()
        assert (frame.opcode, frame.data[:2]) == (Opcode.CLOSE, struct.pack("!H", 1001))
        assert client.read_to_end() == b""
        owner.wait_for("closed")


def test_a_websocket_is_refused_with_an_http_status(server: Served) -> None:
    with Client(server) as client:
        head = client.open_websocket("/refuse")
        assert head.startswith("http/1.1 429 ")
        assert "retry-after: 3" in head
        assert client.read_to_end() == b"later"
