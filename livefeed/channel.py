"""The channel: one feed in one worker, its ring and its readers.

Rule 1: everything that decides what a reader gets next is in this module, without I/O and without a clock of its own. The hub
        performs the reads that the channel requests through `ask`, and returns their results through `answer` or `failed`.
Rule 2: a reader catches up from the ring, or from the log when its exact position is not in the ring. Between the last event of
        its history and its entry into a group there is no `await`.
Rule 3: the result of a read that began before a hold, a cancel or a gap became known is discarded, and the read repeated.
Rule 4: while the log is unreadable, nothing is served from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from livefeed.blocks import BLOCK_EVENTS, Blocks, encode
from livefeed.counters import Counters
from livefeed.cursors import BIRTH, Cursor
from livefeed.filters import Filter
from livefeed.groups import Groups
from livefeed.holes import Continuation, Hole, NoFeed, Page, Reason
from livefeed.notices import Notices
from livefeed.reader import After, FromNow, Newest, Reader, State
from livefeed.ring import RING_EVENTS, Ring
from livefeed.snapshots import Listing
from livefeed.terms import Terms
from livefeed.waiting import ListNewest, ReadAfter, Request, Waiting
from livefeed.wires import Wire

__all__ = ["Channel"]

Ask = Callable[["Channel", Request, int], None]


class Channel:
    """One feed in one worker, whose last event is *head*.

    *ask* is called with a request and the current generation; the result comes back through `answer` or `failed`. *forget* is
    called with the feed's name when an item was held or canceled, before readers are told: it empties caches elsewhere.
    *ring_events* and *block_events* bound what is kept in memory and what is written at once.
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
        ring_events: int = RING_EVENTS,
        block_events: int = BLOCK_EVENTS,
    ) -> None:
        self.feed = feed
        self.terms = terms
        self.counters = counters
        self.ring = Ring(head, max_events=ring_events)
        self.generation = 0
        self.stale_since: int | None = None
        self.readers: set[Reader] = set()
        self.watchers: set[Callable[[], None]] = set()
        self._groups = Groups(counters)
        self.notices = Notices(feed, terms, self._groups)
        self._ask = ask
        self._forget = forget
        self._waiting = Waiting(lambda request: ask(self, request, self.generation))
        self._blocks = Blocks(block_events)

    # -- readers come and go

    def join(self, reader: Reader) -> None:
        """Start serving *reader*. This may write to its connection at once."""
        self.readers.add(reader)
        self.counters.joins += 1
        if self.stale_since is not None:
            self.notices.refuse(reader)
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

    def pause(self, reader: Reader) -> None:
        if reader.state is State.LIVE:
            # It has been sent everything in the ring: groups are written to in the same turn in which the ring grows.
            self._ungroup(reader)
            self.counters.pauses += 1

    def _ungroup(self, reader: Reader) -> None:
        self._groups.remove(reader)
        reader.position = self.ring.head
        reader.state = State.BEHIND

    def resume(self, reader: Reader) -> None:
        if self.stale_since is not None:
            self.notices.stale(reader, self.stale_since)
        self.advance(reader)

    # -- catching up

    def advance(self, reader: Reader) -> None:
        """Send *reader* what it lacks, until its connection is full or the log has to be read."""
        while reader.state is State.BEHIND and not reader.waits and reader.sink.writable and self.stale_since is None:
            if reader.reset is not None:
                self._waiting.request(ListNewest(reader.items, reader.only), reader)
                continue
            position = reader.position
            assert position is not None, "a reader that got hello and is owed no reset has a position"
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
        """Take *answer*, the result of *request* as it was made in *generation*."""
        if generation != self.generation:
            self._ask(self, request, self.generation)
            return
        readers = self._waiting.answered(request)
        match request, answer:
            case ListNewest(), Listing():
                self._show(answer, readers)
            case ReadAfter(position), Page():
                self.ring.prepend(position, answer)
                self._continue(answer, readers)
            case _, Hole(reason, missed):
                for reader in readers:
                    self._reset(reader, reason, missed)
            case _, NoFeed(deleted):
                for reader in readers:
                    self._without_feed(reader, deleted)
        if self.stale_since is not None:
            for reader in readers:
                self.notices.stale(reader, self.stale_since)

    def failed(self, request: Request) -> None:
        """Redis could not be read. Readers that got nothing yet are refused; the others wait for the tail's next report."""
        for reader in self._waiting.answered(request):
            if reader.state is State.OPENING:
                self.notices.refuse(reader)
            else:
                self._waiting.park(reader)

    def _continue(self, page: Page, readers: Sequence[Reader]) -> None:
        end = page.end
        encoded: dict[tuple[Filter, Wire], bytes] = {}
        for reader in readers:
            if reader.state is State.OPENING:
                start = reader.start
                self._resumed(reader, isinstance(start, After) and start.given)
            if not reader.sink.writable:
                # Its connection is full already: `resume` starts the next read.
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
        """The reader has reached the end of the log: it goes live, or waits until this worker's tail gets there too."""
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
                made[key] = self.notices.listing(listing, *key)
            reader.reset = None
            reader.position = listing.head
            reader.sink.write(made[key])
            self._goes_on(reader)

    def _without_feed(self, reader: Reader, deleted: bool) -> None:
        if deleted:
            self.notices.deleted(reader)
        elif reader.position == BIRTH and reader.state is State.BEHIND:
            self._waiting.park(reader)
        else:
            # No one deleted it here: Redis lost it. The reader is told so, and stays in case the feed comes back.
            reader.hello(False)
            reader.reset = ("lost", None)
            self._show(Listing(BIRTH, (), ""), [reader])

    # -- reports of the tail

    def heard(self, page: Page) -> None:
        """The log has grown by *page*, which follows the ring's head."""
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
        """The tail has read the log to its end: parked readers and watchers continue."""
        for reader in self._waiting.looked():
            self._goes_on(reader)
        for watcher in list(self.watchers):
            watcher()

    def deleted(self) -> None:
        """The feed was deleted: its readers are dismissed."""
        for reader in list(self.readers):
            self.notices.deleted(reader)

    def restart(self, head: Cursor) -> None:
        """Start over at *head*, after a gap or a new connection to Redis: the ring may differ from the log.

        Live readers read the log from their own positions, and so find out whether they missed anything.
        """
        self.generation += 1
        live = list(self._groups)
        for reader in live:
            self._ungroup(reader)
        self.ring = Ring(head, max_events=self.ring.max_events)
        self._blocks.clear()
        for reader in live:
            self.advance(reader)
        self.checked()

    def stale(self) -> None:
        """The log cannot be read: tell the readers, once."""
        if self.stale_since is None:
            self.stale_since = self.terms.now()
            for reader in list(self.readers):
                self.notices.stale(reader, self.stale_since)
            for watcher in list(self.watchers):
                watcher()

    def fresh(self, head: Cursor) -> None:
        """The log can be read again; its last event is *head*."""
        since, self.stale_since = self.stale_since, None
        for reader in list(self.readers):
            self.notices.fresh(reader, since or 0)
        self.restart(head)
        for reader in list(self.readers):
            self.advance(reader)
