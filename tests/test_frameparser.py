"""What clients send, against RFC 6455 and made by another implementation."""

from __future__ import annotations

import secrets
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from livefeed.frameparser import Close, FrameParser, Ping, Pong, Received


def sent(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """What a client puts on the wire."""
    return Frame(Opcode(opcode), payload, fin).serialize(mask=True)


def raw(head: int, payload: bytes = b"", *, masked: bool = True, size: int | None = None) -> bytes:
    """A frame that a careful library refuses to make."""
    length = len(payload) if size is None else size
    prefix = (
        struct.pack("!BB", head, length | (0x80 if masked else 0)) if length < 126 else struct.pack("!BBQ", head, 0xFF, length)
    )
    return prefix + (bytes(4) if masked else b"") + payload


def receive(data: bytes) -> list[Received]:
    return FrameParser().receive(data)


def test_messages_and_control_frames_in_their_order() -> None:
    data = (
        sent(1, "né".encode()) + sent(9, b"p") + sent(2, b"\xff\0") + sent(10, b"q") + sent(8, b"\x03\xe8bye") + sent(1, b"late")
    )
    assert receive(data) == ["né", Ping(b"p"), b"\xff\0", Pong(b"q"), Close(1000, "bye")]


def test_fragments_with_control_frames_between_them() -> None:
    data = (
        sent(1, b"a\xc3", fin=False)
        + sent(9)
        + sent(0, b"", fin=False)
        + sent(0, b"\xa9b")
        + sent(2, b"c", fin=False)
        + sent(0, b"d")
    )
    assert receive(data) == [Ping(b""), "aéb", b"cd"]


@given(st.lists(st.tuples(st.sampled_from([1, 2, 9, 10]), st.binary(max_size=125)), max_size=6), st.integers(1, 40))
def test_bytes_may_come_in_any_pieces(messages: list[tuple[int, bytes]], step: int) -> None:
    data = b"".join(sent(opcode, payload.hex().encode()[:125]) for opcode, payload in messages)
    expected = receive(data)
    parser = FrameParser()
    received = [event for i in range(0, len(data), step) for event in parser.receive(data[i : i + step])]
    assert received == expected
    assert len(received) == len(messages)
    assert parser.idle


@pytest.mark.parametrize("size", [1, 3, 4, 5, 125, 126, 65535, 65536])
def test_masks_of_every_alignment(size: int) -> None:
    payload = secrets.token_bytes(size)
    assert receive(sent(2, payload)) == [payload]


def test_it_is_idle_only_between_messages() -> None:
    parser = FrameParser()
    assert parser.idle
    parser.receive(sent(1, b"a", fin=False))
    assert not parser.idle
    parser.receive(sent(0, b"b"))
    assert parser.idle
    parser.receive(sent(1, b"whole")[:3])
    assert not parser.idle


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (raw(0x81, b"x", masked=False), 1002),
        (b"\x81\xfe\x00\x7d" + bytes(4 + 125), 1002),
        (b"\x81\xff" + bytes(6) + b"\xff\xff" + bytes(4), 1002),
        (raw(0xC1, b"x"), 1002),
        (raw(0xA1, b"x"), 1002),
        (raw(0x91, b"x"), 1002),
        (raw(0x83, b"x"), 1002),
        (raw(0x8B, b"x"), 1002),
        (raw(0x09, b"x"), 1002),
        (raw(0x89, b"x" * 126), 1002),
        (raw(0x80, b"x"), 1002),
        (raw(0x01, b"x") + raw(0x81, b"y"), 1002),
        (raw(0x88, b"\x03"), 1002),
        (raw(0x88, b"\x03\xed"), 1002),
        (raw(0x88, struct.pack("!H", 999)), 1002),
        (raw(0x88, struct.pack("!H", 5000)), 1002),
        (raw(0x88, b"\x03\xe8\xff"), 1007),
        (raw(0x81, b"\xed\xa0\x80"), 1007),
        (raw(0x01, b"\xc3") + raw(0x00, b"("), 1007),
        (raw(0x01, b"\xc3") + raw(0x80, b""), 1007),
        (raw(0x81, size=65537), 1009),
        (raw(0x82, size=2**63), 1009),
        (raw(0x01, b"x" * 100) + raw(0x80, size=65536), 1009),
    ],
)
def test_a_fault_is_answered_with_its_code(data: bytes, code: int) -> None:
    parser = FrameParser()
    *_, close = parser.receive(data)
    assert isinstance(close, Close)
    assert close.code == code
    assert close.reason
    assert parser.receive(sent(1, b"more")) == []


def test_what_came_before_a_fault_counts() -> None:
    assert receive(sent(1, b"ok") + raw(0x83)) == ["ok", Close(1002, "opcode 3 is not defined")]


@pytest.mark.parametrize("frame", [sent(9), sent(1), sent(1, b"x", fin=False)], ids=["ping", "empty", "piece"])
def test_a_flood_of_tiny_frames_is_cut_off(frame: bytes) -> None:
    rest = sent(0, fin=False) if frame[:1] == b"\x01" else frame
    *passed, close = receive(frame + rest * 40_000)
    assert isinstance(close, Close)
    assert close.code == 1008
    assert len(passed) <= 1_000


@pytest.mark.parametrize("at_once", [True, False])
def test_a_message_in_too_many_fragments_is_cut_off(at_once: bool) -> None:
    pieces = [sent(1, b"x", fin=False), *[sent(0, b"x", fin=False)] * 126]
    assert receive(b"".join([*pieces, sent(0, b"x")]) * 2) == ["x" * 128] * 2
    parser = FrameParser()
    pieces.append(sent(0, b"x", fin=False))
    told = [event for data in ([b"".join(pieces)] if at_once else pieces) for event in parser.receive(data)]
    assert told == [Close(1008, "a message is limited to 128 fragments")]


def test_a_message_of_the_whole_size_with_control_frames_inside() -> None:
    data = sent(2, b"x" * 65000, fin=False) + sent(9, b"p" * 125) + sent(0, b"x" * 536)
    assert receive(data) == [Ping(b"p" * 125), b"x" * 65536]


def test_an_empty_close_is_answered_with_an_empty_one() -> None:
    assert receive(sent(8)) == [Close(1005, "")]
