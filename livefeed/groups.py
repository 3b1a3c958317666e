"""Groups: readers of one feed that are sent the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from livefeed.compression import GZIP, Epoch
from livefeed.counters import Counters
from livefeed.events import Event
from livefeed.filters import Filter
from livefeed.reader import Reader, Send
from livefeed.wires import Wire

__all__ = ["Groups"]

_Copy = tuple[list[Reader], list[Send]]


class _Group:
    """The readers of one filter and wire. Compared by identity, which needs no hash of a filter for each event."""

    __slots__ = ("_copy", "members", "only", "urgency", "wire")

    def __init__(self, only: Filter, wire: Wire) -> None:
        self.only = only
        self.urgency = only.urgency
        self.wire = wire
        # A dict preserves the order of joining and removes in constant time.
        self.members: dict[Reader, Send] = {}
        self._copy: _Copy | None = None

    def add(self, reader: Reader) -> None:
        self.members[reader] = reader.sink.send
        self._copy = None

    def remove(self, reader: Reader) -> None:
        del self.members[reader]
        self._copy = None

    def copy(self) -> _Copy:
        """The members and how to reach them, at this moment: a list that is written to must not change meanwhile.

        Kept until somebody joins or leaves. The readers themselves are not touched on the way to their connections: with
        thousands of them, most of what a delivery costs here is memory that is in no cache.
        """
        if self._copy is None:
            self._copy = list(self.members), list(self.members.values())
        return self._copy


class Groups:
    """The live readers of one feed, by filter and wire. Each group's bytes are encoded once."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        # Unfiltered gzip readers share an epoch. Those that missed its first event are in an ordinary group until the next one.
        self._epoch: Epoch | None = None
        self._inside = _Group(Filter.ALL, GZIP)
        self._inside_heard = 0
        self._groups: dict[tuple[Filter, Wire], _Group] = {}
        # An event is matched only against the filters that ask for one of its tags.
        self._by_tag: dict[str, dict[_Group, None]] = {}
        self._any_tag: dict[_Group, None] = {}

    def __iter__(self) -> Iterator[Reader]:
        for group in (self._inside, *self._groups.values()):
            yield from group.members

    def add(self, reader: Reader) -> None:
        key = (reader.only, reader.sink.wire)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(*key)
            for groups in self._asking(reader.only):
                groups[group] = None
        group.add(reader)

    def remove(self, reader: Reader) -> None:
        if reader in self._inside.members:
            self._inside.remove(reader)
            if not self._inside.members:
                self._epoch = None
            return
        group = self._groups[reader.only, reader.sink.wire]
        group.remove(reader)
        if not group.members:
            self._forget(group)

    def _forget(self, group: _Group) -> None:
        only = group.only
        del self._groups[only, group.wire]
        for groups in self._asking(only):
            del groups[group]
        for tag in only.tags:
            if not self._by_tag[tag]:
                del self._by_tag[tag]

    def _asking(self, only: Filter) -> list[dict[_Group, None]]:
        """The tables that contain *only*."""
        return [self._by_tag.setdefault(tag, {}) for tag in only.tags] or [self._any_tag]

    def interrupt(self, reader: Reader, now: int, patience: int = 0) -> bool:
        """Whether *reader* may be sent individual data now. This removes it from a shared epoch.

        A reader in an epoch that was sent something in the last *patience* milliseconds stays in it.
        """
        if reader in self._inside.members:
            # A clock that was set back must not suppress heartbeats.
            if 0 <= now - self._inside_heard < patience:
                return False
            self.remove(reader)
            self.add(reader)
        return True

    def deliver(self, events: Sequence[Event], now: int) -> None:
        """Write all events of one iteration of the event loop, with one write per reader."""
        self._begin_epoch(events)
        # Copied before the first write, which may pause a reader: it then leaves its group, and joins another one later.
        # Groups of one wire that the same events pass share the bytes: there may be a filter for each reader.
        shared: dict[tuple[Wire, tuple[Event, ...]], list[_Copy]] = {}
        for group, passing in self._passing(tuple(events)):
            shared.setdefault((group.wire, passing), []).append(group.copy())
        if self._epoch is not None and events:
            self._inside_heard = now
            self._write(self._epoch.block(events), [self._inside.copy()], len(events))
        for (wire, passing), copies in shared.items():
            self._write(b"".join(map(wire.event, passing)), copies, len(passing))

    def _passing(self, events: tuple[Event, ...]) -> Iterable[tuple[_Group, tuple[Event, ...]]]:
        """The groups that any of *events* pass, and which."""
        if len(events) == 1:
            return [(group, events) for group in self._asked(events[0])]
        passing: dict[_Group, list[Event]] = {}
        for event in events:
            for group in self._asked(event):
                passing.setdefault(group, []).append(event)
        return [(group, tuple(passed)) for group, passed in passing.items()]

    def _asked(self, event: Event) -> Iterable[_Group]:
        """The groups that *event* passes. Feed events pass every filter."""
        if not event.item_id:
            return self._groups.values()
        asked = dict(self._any_tag)
        for tag in event.tags:
            asked |= self._by_tag.get(tag, {})
        return [group for group in asked if group.urgency is None or event.urgency <= group.urgency]

    def _begin_epoch(self, events: Sequence[Event]) -> None:
        waiting = self._groups.get((Filter.ALL, GZIP))
        # A compressor's window contains earlier data: discard held or killed text before anything else is sent.
        removes = any(event.type.removes for event in events)
        if (waiting and (self._epoch is None or self._epoch.full)) or (self._inside.members and removes):
            self._epoch = Epoch()
            for reader in list(waiting.members if waiting else ()):
                self.remove(reader)
                self._inside.add(reader)

    def _write(self, data: bytes, copies: Iterable[_Copy], events: int) -> None:
        size = len(data)
        for readers, sends in copies:
            self.counters.deliveries += events * len(readers)
            self.counters.delivered_bytes += size * len(readers)
            for number, send in enumerate(sends):
                try:
                    sent = send(data)
                except OSError:
                    # It has to wait for the connection, or there is none any more.
                    sent = 0
                if sent != size and sent is not None:
                    readers[number].sink.write(memoryview(data)[sent:])
