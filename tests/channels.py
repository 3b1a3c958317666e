"""A channel to test: its readers' connections, and the requests that it has made."""

from __future__ import annotations

import orjson

from livefeed.channel import Channel
from livefeed.counters import Counters
from livefeed.cursors import Cursor
from livefeed.events import Event, EventType
from livefeed.eventstream import SSE, EventStreamParser
from livefeed.filters import Filter
from livefeed.holes import Hole, NoFeed, Page
from livefeed.reader import Reader, Send, Start
from livefeed.snapshots import Listing
from livefeed.terms import Terms
from livefeed.waiting import Request
from livefeed.wires import Wire

HEAD = Cursor(1_010, 10)


class Connection:
    """A sink that keeps what was written; `full` makes it pause its reader as a slow connection does."""

    def __init__(self) -> None:
        self.wire: Wire = SSE
        self.writable = True
        self.full = False
        self.code: int | None = None
        self.reader: Reader | None = None
        self._parser = EventStreamParser()
        self._heard: list[tuple[str, dict[str, object]]] = []

    @property
    def send(self) -> Send:
        return self.write

    def write(self, data: bytes | memoryview, /) -> None:
        for event in self._parser.feed(bytes(data)):
            self._heard.append((event.type, orjson.loads(event.data)))
        if self.full and self.writable and self.reader is not None:
            self.writable = False
            self.reader.pause()

    def resume(self) -> None:
        self.full, self.writable = False, True
        assert self.reader is not None
        self.reader.resume()

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:
        self.write(farewell)
        self.writable = False
        self.code = code
        if self.reader is not None:
            self.reader.closed()

    def heard(self) -> list[str]:
        """What came since the last time: numbers of events, names of the others."""
        heard, self._heard = self._heard, []
        return [str(data["id"]).split("-")[1] if name == "message" else name for name, data in heard]

    def data(self) -> dict[str, object]:
        """The data of the last event that came."""
        data = self._heard[-1][1]["data"]
        assert isinstance(data, dict)
        return data


class Feed:
    """A channel, and the requests that it has made."""

    def __init__(self, head: Cursor = HEAD) -> None:
        self.asked: list[tuple[Request, int]] = []
        self.counters = Counters()
        terms = Terms(version="1", heartbeat=15, now=lambda: 1_795_435_200_000)
        self.forgotten: list[str] = []
        self.channel = Channel("world", head, terms=terms, ask=self._ask, counters=self.counters, forget=self.forgotten.append)

    def _ask(self, _: Channel, request: Request, generation: int) -> None:
        self.asked.append((request, generation))

    def join(self, start: Start, only: Filter = Filter.ALL) -> Connection:
        connection = Connection()
        connection.reader = Reader(self.channel, connection, start, only=only)
        self.channel.join(connection.reader)
        return connection

    def hear(self, *seqs: int) -> None:
        self.channel.heard(Page(tuple(event(seq) for seq in seqs)))

    def answer(self, answer: Page | Hole | NoFeed | Listing) -> Request:
        request, generation = self.asked.pop(0)
        self.channel.answer(request, generation, answer)
        return request


def event(seq: int, item: str = "", kind: EventType = EventType.PUBLISHED, tags: tuple[str, ...] = ()) -> Event:
    return Event(
        cursor=Cursor(1_000 + seq, seq), feed="world", type=kind, data=b"{}", item_id=item or f"i{seq}", tags=frozenset(tags)
    )


def page(*seqs: int) -> Page:
    return Page(tuple(event(seq) for seq in seqs))
