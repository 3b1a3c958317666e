"""Epochs: what readers in gzip read as their channel serves them, however they come, go and pause."""

from __future__ import annotations

import zlib
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from livefeed.channel import Channel
from livefeed.compression import GZIP, GZIP_HEADER
from livefeed.counters import Counters
from livefeed.cursors import Cursor
from livefeed.events import EventType
from livefeed.eventstream import SSE, EventStreamParser
from livefeed.filters import Filter
from livefeed.holes import Page
from livefeed.reader import FromNow, Reader
from livefeed.terms import Terms
from livefeed.wires import Wire
from tests.newsevents import event, gunzip


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
