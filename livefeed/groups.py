"""Groups: readers of one feed that get the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from livefeed.counters import Counters
from livefeed.events import Event
from livefeed.filters import Filter
from livefeed.reader import Reader
from livefeed.wires import Wire

__all__ = ["Groups", "encode"]


def encode(events: Iterable[Event], only: Filter, wire: Wire) -> bytes:
    """What a reader with this filter gets of *events*. Feed events pass every filter."""
    return b"".join([wire.event(event) for event in events if not event.item_id or only.passes(event.tags, event.urgency)])


class Groups:
    """The live readers of one feed, by filter and by wire: each group's bytes are made once."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        # A dict keeps the order of joining and forgets in constant time.
        self._by_filter: dict[Filter, dict[Wire, dict[Reader, None]]] = {}

    def __iter__(self) -> Iterator[Reader]:
        return (reader for wires in self._by_filter.values() for members in wires.values() for reader in members)

    def add(self, reader: Reader) -> None:
        self._by_filter.setdefault(reader.only, {}).setdefault(reader.sink.wire, {})[reader] = None

    def remove(self, reader: Reader) -> None:
        wires = self._by_filter[reader.only]
        members = wires[reader.sink.wire]
        del members[reader]
        if not members:
            del wires[reader.sink.wire]
        if not wires:
            del self._by_filter[reader.only]

    def deliver(self, events: Iterable[Event]) -> None:
        """Write everything that one turn brought, in one write per reader."""
        # Copies: writing may pause a reader, which then leaves its group.
        for only, wires in list(self._by_filter.items()):
            passing = [event for event in events if not event.item_id or only.passes(event.tags, event.urgency)]
            if not passing:
                continue
            for wire, members in list(wires.items()):
                data = b"".join(map(wire.event, passing))
                for reader in list(members):
                    reader.sink.write(data)
                self.counters.deliveries += len(passing) * len(members)
                self.counters.delivered_bytes += len(data) * len(members)
