"""Groups: each filter's readers get what passes it, by whatever tables that is found."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livefeed.channel import Channel
from livefeed.counters import Counters
from livefeed.cursors import Cursor
from livefeed.events import Event, EventType
from livefeed.eventstream import SSE
from livefeed.filters import Filter
from livefeed.groups import Groups
from livefeed.reader import FromNow, Reader, Send
from livefeed.terms import Terms
from livefeed.wires import Wire


class Connection:
    def __init__(self) -> None:
        self.wire: Wire = SSE
        self.writable = True
        self.written = b""

    @property
    def send(self) -> Send:
        return self.write

    def write(self, data: bytes | memoryview, /) -> None:
        self.written += data

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:
        raise AssertionError("nobody closes here")


def reader_of(only: Filter) -> Reader:
    terms = Terms(version="1", heartbeat=15, now=lambda: 0)
    channel = Channel("world", Cursor(1, 0), terms=terms, ask=lambda *_: None, counters=Counters())
    return Reader(channel, Connection(), FromNow(), only=only)


def an_event(seq: int, tags: frozenset[str], urgency: int, *, of_feed: bool = False) -> Event:
    item_id = "" if of_feed else "i"
    kind = EventType.FEED_CLOSED if of_feed else EventType.UPDATED
    return Event(cursor=Cursor(1, seq), feed="world", type=kind, data=b"{}", item_id=item_id, tags=tags, urgency=urgency)


_TAGS = st.frozensets(st.sampled_from("abcd"), max_size=3)
_FILTERS = st.builds(Filter, _TAGS, st.none() | st.integers(1, 9))
_EVENTS = st.lists(st.tuples(_TAGS, st.integers(1, 9), st.booleans()), max_size=8)


@given(st.lists(_FILTERS, max_size=8), st.data(), _EVENTS)
def test_everybody_gets_what_passes(
    filters: list[Filter], data: st.DataObject, given_events: list[tuple[frozenset[str], int, bool]]
) -> None:
    groups = Groups(Counters())
    readers = [reader_of(only) for only in filters]
    for reader in readers:
        groups.add(reader)
    gone = data.draw(st.sets(st.sampled_from(readers))) if readers else set()
    for reader in gone:
        groups.remove(reader)
    events = [an_event(seq, *about, of_feed=of_feed) for seq, (*about, of_feed) in enumerate(given_events)]  # type: ignore[arg-type]
    groups.deliver(events, 0)

    for reader in readers:
        passing = [event for event in events if not event.item_id or reader.only.passes(event.tags, event.urgency)]
        expected = b"" if reader in gone else b"".join(map(SSE.event, passing))
        assert isinstance(reader.sink, Connection)
        assert reader.sink.written == expected
    assert set(groups) == set(readers) - gone


class Short(Connection):
    """Takes at most ten bytes at once, and none at all if it is *full*."""

    def __init__(self, *, full: bool) -> None:
        super().__init__()
        self.full = full

    @property
    def send(self) -> Send:
        def send(data: bytes) -> int:
            if self.full:
                raise BlockingIOError
            self.written += data[:10]
            return len(data[:10])

        return send


def test_what_a_connection_does_not_take_at_once_is_written() -> None:
    groups = Groups(Counters())
    readers = [reader_of(Filter.ALL) for _ in range(4)]
    readers[1].sink, readers[2].sink = Short(full=False), Short(full=True)
    for reader in readers:
        groups.add(reader)
    groups.deliver([an_event(1, frozenset(), 5)], 0)
    for reader in readers:
        assert isinstance(reader.sink, Connection)
        assert reader.sink.written == SSE.event(an_event(1, frozenset(), 5))


def test_nothing_is_left_of_readers_that_left() -> None:
    groups = Groups(Counters())
    readers = [reader_of(Filter(frozenset({"a", "b"}))), reader_of(Filter(frozenset({"b"}), 3)), reader_of(Filter.ALL)]
    for reader in readers:
        groups.add(reader)
    for reader in readers:
        groups.remove(reader)
    assert (groups._groups, groups._by_tag, groups._any_tag) == ({}, {}, {})
