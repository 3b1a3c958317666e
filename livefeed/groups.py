"""Groups: readers of one feed that are sent the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from livefeed.compression import GZIP, Epoch
from livefeed.counters import Counters
from livefeed.events import Event
from livefeed.filters import Filter
from livefeed.reader import Reader
from livefeed.wires import Wire

__all__ = ["Groups"]


class _Section:
    """The readers of one filter, by wire. Compared by identity, which needs no hash of a filter for each event."""

    __slots__ = ("only", "wires")

    def __init__(self, only: Filter) -> None:
        self.only = only
        # A dict preserves the order of joining and removes in constant time.
        self.wires: dict[Wire, dict[Reader, None]] = {}


class Groups:
    """The live readers of one feed, by filter and wire. Each group's bytes are encoded once."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        # Unfiltered gzip readers share an epoch. Those that missed its first event are in an ordinary group until the next one.
        self._epoch: Epoch | None = None
        self._inside: dict[Reader, None] = {}
        self._inside_heard = 0
        self._by_filter: dict[Filter, _Section] = {}
        # An event is matched only against the filters that ask for one of its tags.
        self._by_tag: dict[str, dict[_Section, None]] = {}
        self._any_tag: dict[_Section, None] = {}

    def __iter__(self) -> Iterator[Reader]:
        yield from self._inside
        yield from (reader for section in self._by_filter.values() for members in section.wires.values() for reader in members)

    def add(self, reader: Reader) -> None:
        section = self._by_filter.get(reader.only)
        if section is None:
            section = self._by_filter[reader.only] = _Section(reader.only)
            for sections in self._asking(reader.only):
                sections[section] = None
        section.wires.setdefault(reader.sink.wire, {})[reader] = None

    def remove(self, reader: Reader) -> None:
        if reader in self._inside:
            del self._inside[reader]
            if not self._inside:
                self._epoch = None
            return
        section = self._by_filter[reader.only]
        members = section.wires[reader.sink.wire]
        del members[reader]
        if not members:
            del section.wires[reader.sink.wire]
        if not section.wires:
            self._forget(section)

    def _forget(self, section: _Section) -> None:
        only = section.only
        del self._by_filter[only]
        for sections in self._asking(only):
            del sections[section]
        for tag in only.tags:
            if not self._by_tag[tag]:
                del self._by_tag[tag]

    def _asking(self, only: Filter) -> list[dict[_Section, None]]:
        """The tables that contain *only*."""
        return [self._by_tag.setdefault(tag, {}) for tag in only.tags] or [self._any_tag]

    def interrupt(self, reader: Reader, now: int, patience: int = 0) -> bool:
        """Whether *reader* may be sent individual data now. This removes it from a shared epoch.

        A reader in an epoch that was sent something in the last *patience* milliseconds stays in it.
        """
        if reader in self._inside:
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
        groups = [
            (wire, list(members), passing)
            for section, passing in self._passing(events).items()
            for wire, members in section.wires.items()
        ]
        if self._epoch is not None and events:
            self._inside_heard = now
            self._write(self._epoch.block(events), list(self._inside), len(events))
        for wire, members, passing in groups:
            self._write(b"".join(map(wire.event, passing)), members, len(passing))

    def _passing(self, events: Iterable[Event]) -> dict[_Section, list[Event]]:
        """The events that pass each filter. Feed events pass every filter."""
        passing: dict[_Section, list[Event]] = {}
        for event in events:
            for section in self._asked(event) if event.item_id else self._by_filter.values():
                passing.setdefault(section, []).append(event)
        return passing

    def _asked(self, event: Event) -> Iterator[_Section]:
        asked = dict(self._any_tag)
        for tag in event.tags:
            asked |= self._by_tag.get(tag, {})
        return (section for section in asked if section.only.urgency is None or event.urgency <= section.only.urgency)

    def _begin_epoch(self, events: Sequence[Event]) -> None:
        unfiltered = self._by_filter.get(Filter.ALL)
        waiting = unfiltered.wires.get(GZIP) if unfiltered else None
        # A compressor's window contains earlier data: discard held or killed text before anything else is sent.
        removes = any(event.type.removes for event in events)
        if (waiting and (self._epoch is None or self._epoch.full)) or (self._inside and removes):
            self._epoch = Epoch()
            for reader in list(waiting or ()):
                self.remove(reader)
                self._inside[reader] = None

    def _write(self, data: bytes, members: list[Reader], events: int) -> None:
        self.counters.deliveries += events * len(members)
        self.counters.delivered_bytes += len(data) * len(members)
        for reader in members:
            reader.sink.write(data)
