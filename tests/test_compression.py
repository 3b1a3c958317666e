"""Compression: blocks that any reader can unpack, who gets them, and the compressed messages of clients."""

from __future__ import annotations

import zlib
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.compression import DEFLATED_FRAMES, GZIP, Epoch, accepts_deflate, accepts_gzip, inflate
from livefeed.cursors import Cursor
from livefeed.eventstream import SSE, EventStreamParser
from livefeed.frameparser import Close, FrameParser
from livefeed.frames import text_frame
from tests.newsevents import event, gunzip, item


@given(st.lists(st.integers(0, 20), max_size=20))
def test_independent_blocks_may_come_in_any_order(seqs: list[int]) -> None:
    events = [event(seq) for seq in seqs]
    assert gunzip(*map(GZIP.event, events)) == b"".join(map(SSE.event, events))


@pytest.mark.parametrize("size", [0, 100, 3_000, 5_000, 40_000, 60_000])
def test_blocks_of_every_size(size: int) -> None:
    given = event(1, data=orjson.dumps({"bodyText": bytes(Random(1).choices(b"abcdefgh", k=size)).decode()}))
    assert gunzip(GZIP.event(given), GZIP.event(given)) == SSE.event(given) * 2


@pytest.mark.parametrize("data", [{"head": "1-1"}, {"items": [orjson.loads(item(n)) for n in range(300)]}])
def test_the_streams_own_events_are_independent_too(data: dict[str, object]) -> None:
    block = GZIP.control("world", "snapshot", data, Cursor(1, 2), now=0)
    (told,) = EventStreamParser().feed(gunzip(block))
    assert orjson.loads(told.data)["data"] == data
    assert told.last_event_id == "1-2"


def test_an_event_is_compressed_once_for_each_wire() -> None:
    once = event(1)
    assert GZIP.event(once) is GZIP.event(once)
    assert DEFLATED_FRAMES.event(once) is DEFLATED_FRAMES.event(once)


def test_an_epoch_may_follow_anything() -> None:
    epoch = Epoch()
    events = [event(seq) for seq in range(40)]
    blocks = [epoch.block([one]) for one in events]
    assert gunzip(GZIP.event(event(99)), *blocks, GZIP.event(event(98))) == b"".join(
        map(SSE.event, [event(99), *events, event(98)])
    )
    assert epoch.full


def test_how_small_it_gets() -> None:
    events = [event(seq) for seq in range(200)]
    plain = sum(len(SSE.event(one)) for one in events)
    epoch = Epoch()
    assert sum(len(epoch.block([one])) for one in events) < 0.45 * plain
    assert sum(len(GZIP.event(one)) for one in events) < 0.65 * plain
    assert sum(len(DEFLATED_FRAMES.event(one)) for one in events) < 0.65 * plain


# Negotiation, and what clients send.


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("identity", False),
        ("x-gzippy", False),
        ("", False),
    ],
)
def test_who_accepts_gzip(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


@pytest.mark.parametrize(
    ("offer", "accepted"),
    [
        ("permessage-deflate", True),
        ("permessage-deflate; client_max_window_bits", True),
        ("permessage-deflate; client_max_window_bits=10; server_no_context_takeover", True),
        ("x-webkit-deflate-frame, permessage-deflate", True),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", True),
        ("permessage-deflate; server_max_window_bits=10", False),
        ("permessage-deflate; something_new", False),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits", False),
        ("x-webkit-deflate-frame", False),
        ("", False),
    ],
)
def test_who_accepts_deflate(offer: str, accepted: bool) -> None:
    assert accepts_deflate(offer) is accepted


def compressed(payload: bytes) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflater.compress(payload) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def masked(frame: bytes) -> bytes:
    """What a client sends, with a mask that changes nothing; *frame* is shorter than 126 bytes."""
    return bytes([frame[0], frame[1] | 0x80]) + bytes(4) + frame[2:]


def receive(data: bytes) -> list[object]:
    return list(FrameParser(inflate=inflate).receive(data))


def test_a_compressed_message_is_read() -> None:
    message = compressed("né né né".encode())
    assert receive(masked(text_frame(message, compressed=True))) == ["né né né"]
    fragments = masked(b"\x41" + text_frame(message[:3])[1:]) + masked(b"\x80" + text_frame(message[3:])[1:])
    assert receive(fragments + masked(text_frame(b"plain"))) == ["né né né", "plain"]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (text_frame(compressed(b"x" * 65537), compressed=True), 1009),
        (text_frame(compressed(b"\xff" * 100), compressed=True), 1007),
        (text_frame(b"\xff\xff\xff\xff", compressed=True), 1007),
        (b"\xc9\x00", 1002),
        (b"\x61\x00", 1002),
        (b"\x41\x00" + b"\xc0\x00", 1002),
    ],
)
def test_a_faulty_compressed_message_ends_the_connection(frame: bytes, code: int) -> None:
    data = masked(frame[:2]) + masked(frame[2:]) if frame[:1] == b"\x41" else masked(frame)
    close = receive(data)[-1]
    assert isinstance(close, Close)
    assert close.code == code


def test_compression_that_was_not_negotiated_is_a_fault() -> None:
    (close,) = FrameParser().receive(masked(text_frame(compressed(b"x"), compressed=True)))
    assert isinstance(close, Close)
    assert close.code == 1002
