"""WebSocket frames as a server sends them, read by another implementation."""

from __future__ import annotations

import json

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from livefeed.cursors import Cursor
from livefeed.events import Event, EventType
from livefeed.frames import FRAMES, close_frame, ping_frame, pong_frame, text_frame, unframe

SIZES = [0, 1, 125, 126, 127, 65535, 65536, 70000]


def payload_of(frame: bytes) -> bytes:
    return bytes(read_frame(frame).data)


def read_frame(data: bytes) -> Frame:
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    parsing = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as stop:
        next(parsing)
    assert isinstance(stop.value.value, Frame)
    return stop.value.value


@pytest.mark.parametrize("size", SIZES)
def test_a_text_frame_is_one_whole_unmasked_message(size: int) -> None:
    frame = read_frame(text_frame(b"x" * size))
    assert (frame.opcode, bytes(frame.data), frame.fin) == (Opcode.TEXT, b"x" * size, True)


def test_an_event_is_framed_once_with_the_same_json() -> None:
    event = Event(cursor=Cursor(1, 2), feed="world", type=EventType.FLAGGED, data=b"{}")
    assert FRAMES.event(event) is FRAMES.event(event)
    assert read_frame(FRAMES.event(event)).data == event.json


def test_a_control_event_is_a_text_frame() -> None:
    told = json.loads(payload_of(FRAMES.control("world", "hello", {"resumed": True}, Cursor(1, 2), now=0)))
    assert (told["type"], told["cursor"], told["data"]) == ("live.stream.hello", "1-2", {"resumed": True})


def test_control_frames() -> None:
    assert read_frame(ping_frame(b"p")) == Frame(Opcode.PING, b"p")
    assert read_frame(pong_frame(b"q")) == Frame(Opcode.PONG, b"q")
    assert read_frame(close_frame(1012, "again")) == Frame(Opcode.CLOSE, b"\x03\xf4again")
    assert read_frame(close_frame(1005)) == Frame(Opcode.CLOSE, b"")


def test_a_long_reason_is_cut_between_characters() -> None:
    payload = payload_of(close_frame(1008, "é" * 100))
    assert payload[2:].decode() == "é" * 61


@pytest.mark.parametrize("size", SIZES)
def test_frames_are_taken_apart_again(size: int) -> None:
    assert list(unframe(text_frame(b"a") + text_frame(b"x" * size) + text_frame(b""))) == [b"a", b"x" * size, b""]
