"""The channel: one feed in one worker, its ring and its readers.

Rule 1: all that decides what a reader gets next happens here, without I/O and without a clock of its own. The hub around it
        reads from Redis what `ask` is called with, and hands over what it read.
Rule 2: a reader is brought level from the ring, or from the log where the ring does not hold its exact position. From its last
        byte of history into its group there is no `await`.
Rule 3: what was read before a hold, a cancel or a hole that is known by now is read again, never written.
Rule 4: while the log cannot be heard, nothing is served from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from livefeed.blocks import Blocks, encode
from livefeed.counters import Counters
from livefeed.cursors import BIRTH, Cursor
from livefeed.events import rfc3339
from livefeed.filters import Filter
from livefeed.groups import Groups
from livefeed.holes import Continuation, Hole, NoFeed, Page, Reason
from livefeed.reader import After, FromNow, Newest, Reader, State
from livefeed.ring import Ring
from livefeed.snapshots import Listing, snapshot
from livefeed.terms import Terms
from livefeed.waiting import ListNewest, ReadAfter, Request, Waiting
from livefeed.wires import Wire

__all__ = ["Channel"]

_RECENT_MS = 3_000
"""Who heard an event so lately needs no heartbeat before the wheel's next turn."""

Ask = Callable[["Channel", Request, int], None]


class Channel:
    """One feed in one worker.

    *ask* is called with a request and the generation in which it was made; the answer comes back through `answer` or `failed`.
    *forget* is called with the feed's name when something was held or canceled, before readers hear of it: for caches elsewhere.
    """

    def __init__(
        self,
        feed: str,
        head: Cursor,
        *,
        terms: Terms,
        ask: Ask,
        counters: Counters,
        forget: Callable[[str], object] | None = None,
    ) -> None:
        self.feed = feed
        self.terms = terms
        self.counters = counters
        self.ring = Ring(head)
        self.generation = 0
        self.stale_since: int | None = None
        self.readers: set[Reader] = set()
        self.watchers: set[Callable[[], None]] = set()
        self._groups = Groups(counters)
        self._ask = ask
        self._forget = forget
        self._waiting = Waiting(lambda request: ask(self, request, self.generation))
        self._blocks = Blocks()

    # -- readers come and go

    def join(self, reader: Reader) -> None:
        """Begin to serve *reader*; its connection may be written to at once."""
        self.readers.add(reader)
        self.counters.joins += 1
        if self.stale_since is not None:
            self.refuse(reader)
            return
        match reader.start:
            case FromNow():
                reader.position = self.ring.head
                reader.hello(None, self.ring.head)
                self.advance(reader)
            case After(position, given) if position in self.ring:
                reader.position = position
                self._resumed(reader, given)
                self.advance(reader)
            case After(position):
                reader.position = position
                self._waiting.request(ReadAfter(position), reader)
            case Newest():
                self._waiting.request(ListNewest(reader.items, reader.only), reader)
            case unknown:
                self._reset(reader, unknown.reason, None)

    def leave(self, reader: Reader) -> None:
        """The reader's connection is gone, or another subscription takes its place."""
        if reader.state is State.LIVE:
            self._groups.remove(reader)
        reader.state = State.CLOSED
        self.readers.discard(reader)

    def end(self, reader: Reader, reason: str, code: int, retry_ms: int) -> None:
        """Say goodbye to *reader* and close its connection."""
        farewell = self.control(reader.sink.wire, "goodbye", {"reason": reason, "retryMs": retry_ms})
        reader.sink.close(code, reason, farewell)

    def pause(self, reader: Reader) -> None:
        if reader.state is State.LIVE:
            # All that was heard has been written to it: groups are written to in the turn in which the ring grows.
            self._ungroup(reader)
            self.counters.pauses += 1

    def _ungroup(self, reader: Reader) -> None:
        self._groups.remove(reader)
        reader.position = self.ring.head
        reader.state = State.BEHIND

    def resume(self, reader: Reader) -> None:
        if self.stale_since is not None:
            self._tell_stale(reader)
        self.advance(reader)

    # -- bringing a reader level

    def advance(self, reader: Reader) -> None:
        """Write to *reader* what it lacks, as far as its connection and this worker's memory go."""
        while reader.state is State.BEHIND and not reader.waits and reader.sink.writable and self.stale_since is None:
            if reader.reset is not None:
                self._waiting.request(ListNewest(reader.items, reader.only), reader)
                continue
            position = reader.position
            assert position is not None, "a reader that was greeted, and is owed no reset, stands somewhere"
            if position == self.ring.head:
                reader.state = State.LIVE
                self._groups.add(reader)
            elif position in self.ring:
                data, reader.position = self._blocks.after(self.ring, position, reader.only, reader.sink.wire)
                if data:
                    reader.sink.write(data)
            else:
                self._waiting.request(ReadAfter(position), reader)

    def _goes_on(self, reader: Reader) -> None:
        reader.waits = False
        self.advance(reader)

    def answer(self, request: Request, generation: int, answer: Continuation | Listing) -> None:
        """What was read for *request* in *generation*."""
        if generation != self.generation:
            self._ask(self, request, self.generation)
            return
        readers = self._waiting.answered(request)
        match request, answer:
            case ListNewest(), Listing():
                self._show(answer, readers)
            case ReadAfter(), Page():
                self._continue(answer, readers)
            case _, Hole(reason, missed):
                for reader in readers:
                    self._reset(reader, reason, missed)
            case _, NoFeed(deleted):
                for reader in readers:
                    self._without_feed(reader, deleted)
        if self.stale_since is not None:
            for reader in readers:
                self._tell_stale(reader)

    def failed(self, request: Request) -> None:
        """Redis could not be asked. Who has been told nothing yet is told that; the others wait for the tail's next word."""
        for reader in self._waiting.answered(request):
            if reader.state is State.OPENING:
                self.refuse(reader)
            else:
                self._waiting.park(reader)

    def refuse(self, reader: Reader) -> None:
        """The log cannot be heard: instead of `hello`."""
        retry_ms = 1_000
        farewell = self.control(reader.sink.wire, "unavailable", {"reason": "the event log cannot be read", "retryMs": retry_ms})
        reader.sink.close(1013, "unavailable", farewell)

    def _continue(self, page: Page, readers: Sequence[Reader]) -> None:
        end = page.end
        encoded: dict[tuple[Filter, Wire], bytes] = {}
        for reader in readers:
            if reader.state is State.OPENING:
                start = reader.start
                self._resumed(reader, isinstance(start, After) and start.given)
            if not reader.sink.writable:
                # Greeted, and slow already: it asks again when it takes more.
                reader.waits = False
                continue
            if end is None:
                self._meet(reader)
                continue
            key = (reader.only, reader.sink.wire)
            if key not in encoded:
                encoded[key] = encode(page.events, *key)
            reader.position = end
            if encoded[key]:
                reader.sink.write(encoded[key])
            self._goes_on(reader)

    def _meet(self, reader: Reader) -> None:
        """The reader is level with the log: it joins, or waits until this worker's tail has heard as much."""
        if reader.position in self.ring:
            self._goes_on(reader)
        else:
            self._waiting.park(reader)

    def _resumed(self, reader: Reader, given: bool) -> None:
        reader.hello(True if given else None)
        self.counters.resumed += given

    # -- snapshots and resets

    def _reset(self, reader: Reader, reason: Reason, missed: tuple[int, int] | None) -> None:
        reader.reset = (reason, missed)
        self.counters.count_reset(reason)
        reader.waits = True
        reader.hello(False)
        self._goes_on(reader)

    def _show(self, listing: Listing, readers: Sequence[Reader]) -> None:
        made: dict[tuple[Wire, object], bytes] = {}
        for reader in readers:
            reader.hello(None)
            key = (reader.sink.wire, reader.reset)
            if key not in made:
                made[key] = self._listing_event(listing, *key)
            reader.reset = None
            reader.position = listing.head
            reader.sink.write(made[key])
            self._goes_on(reader)

    def _listing_event(self, listing: Listing, wire: Wire, reset: tuple[Reason, tuple[int, int] | None] | None) -> bytes:
        if reset is None:
            return self.control(wire, "snapshot", snapshot(listing), listing.head)
        return self.control(wire, "reset", snapshot(listing, *reset), listing.head)

    def _without_feed(self, reader: Reader, deleted: bool) -> None:
        if deleted:
            self.end(reader, "deleted", 1000, 60_000)
        elif reader.position == BIRTH and reader.state is State.BEHIND:
            self._waiting.park(reader)
        else:
            # Not deleted by anybody here: Redis lost it. That is told, and the feed may come again.
            reader.hello(False)
            reader.reset = ("lost", None)
            self._show(Listing(BIRTH, (), ""), [reader])

    # -- what the tail tells

    def heard(self, page: Page) -> None:
        """The log went on: *page* follows the ring's head."""
        self.ring.extend(page)
        for event in page.events:
            if event.type.removes:
                self.generation += 1
                self.ring.erase(event.item_id, event.cursor)
                if self._forget is not None:
                    self._forget(self.feed)
        self._blocks.clear()
        self._groups.deliver(page.events, self.terms.now())
        self.checked()

    def checked(self) -> None:
        """The tail has looked: who waited for that goes on."""
        for reader in self._waiting.looked():
            self._goes_on(reader)
        for watcher in list(self.watchers):
            watcher()

    def deleted(self) -> None:
        """Somebody deleted the feed."""
        for reader in list(self.readers):
            self.end(reader, "deleted", 1000, 60_000)

    def restart(self, head: Cursor) -> None:
        """A hole, or a new connection to Redis: what is remembered here may not be the log. Readers find out for themselves."""
        self.generation += 1
        live = list(self._groups)
        for reader in live:
            self._ungroup(reader)
        self.ring = Ring(head)
        self._blocks.clear()
        for reader in live:
            self.advance(reader)
        self.checked()

    def stale(self) -> None:
        """The log cannot be heard."""
        if self.stale_since is None:
            self.stale_since = self.terms.now()
            for reader in list(self.readers):
                self._tell_stale(reader)
            for watcher in list(self.watchers):
                watcher()

    def _tell_stale(self, reader: Reader) -> None:
        if reader.state in (State.BEHIND, State.LIVE) and reader.sink.writable and not reader.told_stale:
            reader.told_stale = True
            self._groups.interrupt(reader, self.terms.now())
            reader.say("stale", {"since": rfc3339(self.stale_since or 0)})

    def fresh(self, head: Cursor) -> None:
        """The log can be heard again; its last event is *head*."""
        since, self.stale_since = self.stale_since, None
        for reader in list(self.readers):
            if reader.told_stale:
                reader.told_stale = False
                reader.say("fresh", {"since": rfc3339(since or 0)})
        self.restart(head)
        for reader in list(self.readers):
            self.advance(reader)

    # -- the stream's own events

    def beat(self, readers: Iterable[Reader]) -> None:
        """Send *readers* a heartbeat; it carries each one's own position, so that a quiet one never ages out."""
        made: dict[tuple[Wire, Cursor | None], bytes] = {}
        now = self.terms.now()
        data = {"serverTime": rfc3339(now), "head": str(self.ring.head)}
        for reader in readers:
            if reader.state is State.OPENING or not reader.sink.writable:
                continue
            if reader.state is State.LIVE and not self._groups.interrupt(reader, now, _RECENT_MS):
                continue
            key = (reader.sink.wire, None if reader.reset else reader.position)
            if key not in made:
                made[key] = self.control(key[0], "heartbeat", data, key[1])
            reader.sink.write(made[key])

    def hello(self, resumed: bool | None) -> dict[str, Any]:
        return self.terms.hello(self.feed, self.ring.head, resumed)

    def control(self, wire: Wire, name: str, data: Mapping[str, Any] | bytes, cursor: Cursor | None = None) -> bytes:
        return self.terms.event(wire, self.feed, name, data, cursor)
