"""Compression once for all readers: what each of them reads, however its blocks were put together."""

from __future__ import annotations

import zlib
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.channel import Channel
from livefeed.compression import DEFLATED_FRAMES, GZIP, GZIP_HEADER, Epoch, accepts_deflate, accepts_gzip, inflate
from livefeed.counters import Counters
from livefeed.cursors import Cursor
from livefeed.events import Event, EventType
from livefeed.eventstream import SSE, EventStreamParser
from livefeed.filters import Filter
from livefeed.frameparser import Close, FrameParser
from livefeed.frames import text_frame
from livefeed.holes import Page
from livefeed.reader import FromNow, Reader
from livefeed.terms import Terms
from livefeed.wires import Wire

WORDS = [
    "minister",
    "council",
    "report",
    "budget",
    "election",
    "storm",
    "harbour",
    "rescue",
    "court",
    "appeal",
    "strike",
    "union",
]
WORDS += [
    "vaccine",
    "hospital",
    "trade",
    "border",
    "treaty",
    "summit",
    "protest",
    "market",
    "shares",
    "inflation",
    "record",
    "goal",
]


def item(seed: int) -> bytes:
    """JSON that looks like news, and is the same each time."""
    random = Random(seed)
    words = random.choices(WORDS, k=60)
    return orjson.dumps(
        {
            "id": f"{random.getrandbits(64):016x}",
            "uri": f"urn:livefeed:item:{random.getrandbits(64):016x}",
            "version": 1,
            "pubStatus": "usable",
            "headline": " ".join(words[:9]),
            "bodyText": " ".join(words[9:]),
            "urgency": 5,
            "contentCreated": "2026-11-23T12:00:00.000Z",
            "versionCreated": "2026-11-23T12:00:00.123Z",
            "infoSources": [{"name": "Harbour Press"}],
            "tags": words[:3],
        }
    )


def event(seq: int, kind: EventType = EventType.PUBLISHED, data: bytes | None = None, tag: str = "") -> Event:
    tags = frozenset({tag} if tag else ())
    data = item(seq) if data is None else data
    return Event(cursor=Cursor(1_000 + seq, seq), feed="world", type=kind, data=data, item_id=f"i{seq}", tags=tags)


def gunzip(*blocks: bytes) -> bytes:
    return zlib.decompressobj(31).decompress(GZIP_HEADER + b"".join(blocks))


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


# Readers in gzip, as their channel serves them.


class Connection:
    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.writable = True
        self.read = b""
        self._inflater = zlib.decompressobj(31)
        self._inflater.decompress(GZIP_HEADER)

    def send(self, data: bytes, /) -> None:
        self.write(data)

    def write(self, data: bytes | memoryview, /) -> None:
        self.read += self._inflater.decompress(data) if self.wire is GZIP else data

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:
        self.writable = False

    def numbers(self) -> list[int]:
        read = EventStreamParser().feed(self.read)
        return [int(one.last_event_id.split("-")[1]) for one in read if one.type == "message"]


class World:
    def __init__(self) -> None:
        self.now = 1_000_000
        self.counters = Counters()
        terms = Terms(version="1", heartbeat=15, now=lambda: self.now)
        self.channel = Channel("world", Cursor(1_000, 0), terms=terms, ask=lambda *_: None, counters=self.counters)
        self.seq = 0

    def join(self, wire: Wire = GZIP, only: Filter = Filter.ALL) -> Reader:
        reader = Reader(self.channel, Connection(wire), FromNow(), only=only)
        self.channel.join(reader)
        return reader

    def hear(self, count: int = 1, kind: EventType = EventType.PUBLISHED) -> None:
        first, self.seq = self.seq + 1, self.seq + count
        self.channel.heard(Page(tuple(event(seq, kind, tag="a" if seq % 2 else "b") for seq in range(first, self.seq + 1))))


def connection(reader: Reader) -> Connection:
    assert isinstance(reader.sink, Connection)
    return reader.sink


def numbers(reader: Reader) -> list[int]:
    return connection(reader).numbers()


def test_a_late_comer_moves_into_the_next_epoch() -> None:
    world = World()
    first, plain = world.join(), world.join(SSE)
    world.hear(5)
    late = world.join()
    for _ in range(60):
        world.hear()
    assert numbers(first) == numbers(plain) == list(range(1, 66))
    assert numbers(late) == list(range(6, 66))
    assert len(connection(first).read) == len(connection(plain).read)


def test_a_filtered_reader_gets_its_own_events() -> None:
    world = World()
    everything, filtered = world.join(), world.join(only=Filter(frozenset({"a"}), None))
    for _ in range(40):
        world.hear()
    assert numbers(everything) == list(range(1, 41))
    assert numbers(filtered) == list(range(1, 41, 2))


def test_a_heartbeat_waits_while_events_come_and_is_sent_when_they_do_not() -> None:
    world = World()
    reader, other = world.join(), world.join()
    world.hear()
    world.channel.notices.heartbeat([reader], world.channel.ring.head)
    assert b"heartbeat" not in connection(reader).read.replace(b'"heartbeat":15', b"")
    world.now += 3_000
    world.channel.notices.heartbeat([reader], world.channel.ring.head)
    assert b"live.stream.heartbeat" in connection(reader).read
    for _ in range(40):
        world.hear()
    assert numbers(reader) == numbers(other) == list(range(1, 42))


def test_a_clock_that_is_set_back_silences_nobody() -> None:
    world = World()
    reader = world.join()
    world.hear()
    world.now -= 3_600_000
    world.channel.notices.heartbeat([reader], world.channel.ring.head)
    assert b"live.stream.heartbeat" in connection(reader).read


def test_killed_text_is_not_in_a_compressor_any_more() -> None:
    """After a cancel nothing refers to what came before it: a decompressor that begins there reads everything."""
    world = World()
    reader = world.join()
    world.hear(10)
    taken: list[bytes] = []
    connection(reader).write = taken.append  # type: ignore[method-assign,assignment]
    world.hear(1, EventType.CANCELED)
    world.hear(2)
    assert [one.last_event_id for one in EventStreamParser().feed(gunzip(*taken))] == ["1011-11", "1012-12", "1013-13"]


@given(st.lists(st.sampled_from("jjheeeeeEkpPlbBs"), max_size=80), st.randoms(use_true_random=False))
def test_everybody_reads_everything_once(steps: list[str], random: Random) -> None:
    world = World()
    joined: dict[Reader, int] = {}
    for step in steps:
        reader = random.choice(list(joined)) if joined else None
        world.now += random.choice([10, 4_000])
        if step == "j":
            joined[world.join()] = world.seq
        elif step == "h" and len(joined) < 9:
            joined[world.join(SSE)] = world.seq
        elif step in "eE":
            world.hear(1 if step == "e" else 40)
        elif step == "k":
            world.hear(1, EventType.CANCELED)
        elif step == "s":
            world.channel.stale()
            world.channel.fresh(world.channel.ring.head)
        elif step == "b":
            world.channel.notices.heartbeat(list(joined), world.channel.ring.head)
        elif reader is not None:
            if step == "p" and reader.sink.writable:
                connection(reader).writable = False
                reader.pause()
            elif step == "P" and not reader.sink.writable:
                connection(reader).writable = True
                reader.resume()
            elif step == "B":
                world.channel.notices.heartbeat([reader], world.channel.ring.head)
            elif step == "l":
                reader.closed()
                del joined[reader]
    for reader in joined:
        connection(reader).writable = True
        reader.resume()
    for reader, since in joined.items():
        read = numbers(reader)
        assert read == list(range(since + 1, since + 1 + len(read)))
        assert not read or read[-1] <= world.seq
        if reader.position == world.channel.ring.head:
            assert read == list(range(since + 1, world.seq + 1))


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
