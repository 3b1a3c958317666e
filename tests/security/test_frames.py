"""WebSocket frames that are not what they should be, on the server as it is run."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.served import ADMIN_KEY, Server

MASK = b"\x01\x02\x03\x04"


def frame(first: int, payload: bytes, *, masked: bool = True, length: int | None = None) -> bytes:
    """One frame of a client; *first* is its first byte, *length* what it claims."""
    size = len(payload) if length is None else length
    bit = 0x80 if masked else 0
    if size < 126:
        head = bytes([first, bit | size])
    elif size < 65536:
        head = bytes([first, bit | 126]) + struct.pack("!H", size)
    else:
        head = bytes([first, bit | 127]) + struct.pack("!Q", size)
    body = bytes(b ^ MASK[i % 4] for i, b in enumerate(payload)) if masked else payload
    return head + (MASK if masked else b"") + body


class Raw:
    """A connection after its handshake, byte by byte."""

    def __init__(self, server: Server, extra: str = "") -> None:
        self.connection = socket.create_connection(server.address, timeout=15)
        key = base64.b64encode(os.urandom(16)).decode()
        head = "GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        self.connection.sendall(f"{head}Sec-WebSocket-Key: {key}\r\n{extra}\r\n".encode())
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        self.head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")

    def _more(self) -> None:
        chunk = self.connection.recv(65536)
        if not chunk:
            raise EOFError
        self._buffer += chunk

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def read(self) -> tuple[int, bytes]:
        first, size = self._take(2)
        if size == 126:
            (size,) = struct.unpack("!H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._take(8))
        return first & 15, self._take(size)

    def close_code(self) -> int:
        while True:
            opcode, payload = self.read()
            if opcode == 8:
                return int(struct.unpack("!H", payload[:2])[0])


@pytest.fixture
def raw(server: Server) -> Iterator[Raw]:
    opened = Raw(server)
    with opened.connection:
        yield opened


HUGE = 17 * 1024 * 1024
CASES: dict[str, tuple[bytes, int]] = {
    "unmasked": (frame(0x81, b"{}", masked=False), 1002),
    "RSV1": (frame(0xC1, b"{}"), 1002),
    "RSV2": (frame(0xA1, b"{}"), 1002),
    "RSV3": (frame(0x91, b"{}"), 1002),
    "opcode 3": (frame(0x83, b"{}"), 1002),
    "opcode 15": (frame(0x8F, b"{}"), 1002),
    "a ping in two parts": (frame(0x09, b"a"), 1002),
    "a ping of 126 bytes": (frame(0x89, b"a" * 126), 1002),
    "a close of one byte": (frame(0x88, b"\x03"), 1002),
    "a close with 1005": (frame(0x88, struct.pack("!H", 1005)), 1002),
    "a close with text that is no UTF-8": (frame(0x88, struct.pack("!H", 1000) + b"\xff"), 1007),
    "a rest of nothing": (frame(0x80, b"{}"), 1002),
    "a message inside a message": (frame(0x01, b"{") + frame(0x81, b"{}"), 1002),
    "text that is no UTF-8": (frame(0x81, b"\xff\xfe"), 1007),
    "text with a surrogate": (frame(0x81, b"\xed\xa0\x80"), 1007),
    "17 MB announced": (frame(0x81, b"", length=HUGE), 1009),
    "a length of 2^63": (b"\x81\xff" + struct.pack("!Q", 1 << 63) + MASK, 1009),
    "a length in too many bytes": (b"\x81\xfe" + struct.pack("!H", 5) + MASK + b"aaaaa", 1002),
    "too much in many parts": (frame(0x01, b"a" * 60_000) + frame(0x00, b"a" * 60_000) * 3, 1009),
    "a deflated bomb nobody agreed on": (frame(0xC1, zlib.compress(b"a" * 60_000)), 1002),
}


@pytest.mark.parametrize("case", CASES)
def test_frames_that_break_the_rules_end_the_connection(raw: Raw, case: str) -> None:
    sent, code = CASES[case]
    raw.connection.sendall(sent)
    try:
        assert raw.close_code() == code
    except ConnectionResetError:
        pytest.fail("the connection was reset before the peer could read why")


def test_a_message_in_parts_of_one_byte_is_one_message(raw: Raw) -> None:
    text = b'{"op":"ping","ref":1}'
    parts = (
        frame(0x01, text[:1]) + b"".join(frame(0x00, text[i : i + 1]) for i in range(1, len(text) - 1)) + frame(0x80, text[-1:])
    )
    raw.connection.sendall(parts)
    assert json.loads(raw.read()[1]) == {"op": "pong", "ref": 1}


def test_parts_of_nothing_without_end_are_ended(raw: Raw) -> None:
    """100,000 frames that hold one byte or none: the bound is on the frames of a message too, or on its bytes."""
    raw.connection.sendall(frame(0x01, b"a"))
    code = None
    try:
        for _ in range(100):
            raw.connection.sendall(frame(0x00, b"a") * 1_000)
        code = raw.close_code()
    except (BrokenPipeError, ConnectionResetError):
        return
    assert code in {1008, 1009}


def test_a_flood_of_pings_harms_nobody(server: Server, raw: Raw) -> None:
    raw.connection.sendall(frame(0x89, b"") * 50_000)
    with server.client(None) as client:
        assert client.get("/livez").status_code == 200


def test_deflate_is_not_offered_to_be_bombed(server: Server) -> None:
    """What a client may inflate here is bounded where it is negotiated; where it is not, compressed frames are faults."""
    opened = Raw(server, extra="Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
    with opened.connection:
        if b"permessage-deflate" not in opened.head:
            return
        squeezed = zlib.compressobj(wbits=-15)
        bomb = squeezed.compress(b"a" * 50_000_000) + squeezed.flush(zlib.Z_SYNC_FLUSH)
        opened.connection.sendall(frame(0xC1, bomb[:-4]))
        assert opened.close_code() == 1009


NO_COMMANDS = [
    "",
    "null",
    "[]",
    "1",
    '"ping"',
    "{",
    "[" * 30_000,
    '{"op":1}',
    '{"op":"sudo"}',
    '{"op":"ping","op":"token"}',
    '{"op":"ping","ref":{}}',
    '{"op":"ping","ref":NaN}',
    '{"op":"subscribe"}',
    '{"op":"subscribe","feed":"../x"}',
    '{"op":"subscribe","feed":"world","tag":"x"}',
    '{"op":"subscribe","feed":"world","last":1e9}',
    '{"op":"subscribe","feed":"world","after":"1-1\\n"}',
    '{"op":"publish","feed":"world","item":{"headline":"\\ud800"}}',
    '{"op":"publish","feed":"world","item":[]}',
]


@pytest.mark.parametrize("text", NO_COMMANDS)
def test_what_is_no_command_is_answered_and_harms_nothing(server: Server, text: str) -> None:
    with server.websocket("/v1/ws", additional_headers={"authorization": f"Bearer {ADMIN_KEY}"}) as opened:
        opened.send(text)
        answer = json.loads(opened.recv(10))
        assert answer["op"] == "error"
        assert 400 <= answer["problem"]["status"] < 500
        opened.send('{"op":"ping","ref":"still here"}')
        assert json.loads(opened.recv(10)) == {"op": "pong", "ref": "still here"}


def how_it_ends(opened: ClientConnection) -> int | None:
    try:
        while True:
            opened.recv(10)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def test_too_many_commands_end_the_connection(server: Server) -> None:
    # With more than 16 unread messages before the Close frame, the client's `send` waits in vain for its own reading thread.
    with server.websocket("/v1/ws", close_timeout=1) as opened:
        with suppress(ConnectionClosed):
            for _ in range(5_000):
                opened.send('{"op":"ping"}')
        assert how_it_ends(opened) == 4429


def test_a_thousand_subscriptions_are_not_had(server: Server) -> None:
    with server.client() as admin:
        for number in range(101):
            admin.put(f"/v1/feeds/many.{number}", json={})
    refused = 0
    with server.websocket("/v1/ws") as opened:
        for number in range(101):
            opened.send(json.dumps({"op": "subscribe", "ref": number, "feed": f"many.{number}"}))
        for _ in range(101):
            while "ref" not in (answer := json.loads(opened.recv(10))):
                pass
            refused += answer["op"] == "error"
    assert refused == 1


def test_a_binary_message_is_read_like_a_text_or_refused(server: Server) -> None:
    with server.websocket("/v1/ws") as opened:
        opened.send(b'{"op":"ping"}')
        assert json.loads(opened.recv(10))["op"] in {"pong", "error"}
