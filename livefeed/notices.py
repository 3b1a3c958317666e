"""Notices: the control events that one channel sends to a single reader, outside the groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from livefeed.cursors import Cursor
from livefeed.events import rfc3339
from livefeed.groups import Groups
from livefeed.holes import Reason
from livefeed.reader import Reader, State
from livefeed.snapshots import Listing, snapshot
from livefeed.terms import Terms
from livefeed.wires import Wire

__all__ = ["Notices"]

_RECENT_MS = 3_000
"""A reader that shares a compressed stream and got an event this recently is skipped until the wheel's next turn."""

_HELLO_MS = 10
"""How old the time in a shared `hello` may be: less than what the network adds to it."""

_RETRY_UNAVAILABLE_MS = 1_000
"""When to come back after a refusal: outages of the log are mostly failovers, which take a few seconds."""

_RETRY_DELETED_MS = 60_000
"""When to come back to a deleted feed: it seldom returns, and a reader that asks often costs a connection each time."""


class Notices:
    """Control events for single readers of *feed*. A reader that shares a compressed stream is taken out of it first."""

    def __init__(self, feed: str, terms: Terms, groups: Groups) -> None:
        self.feed = feed
        self.terms = terms
        self._groups = groups
        self._hello: tuple[object, bytes] = (None, b"")

    def event(self, wire: Wire, name: str, data: Mapping[str, Any] | bytes, cursor: Cursor | None = None) -> bytes:
        """The control event *name*, encoded for *wire*. *cursor* is given when it moves the reader's position."""
        return self.terms.event(wire, self.feed, name, data, cursor)

    def hello(self, wire: Wire, head: Cursor, resumed: bool | None, cursor: Cursor | None) -> bytes:
        """`hello`, shared by those who join at about the same time: in a reconnect storm it was a tenth of a handshake."""
        made_for = (wire, head, resumed, cursor, self.terms.now() // _HELLO_MS)
        if self._hello[0] != made_for:
            self._hello = (made_for, self.event(wire, "hello", self.terms.hello(self.feed, head, resumed), cursor))
        return self._hello[1]

    def listing(self, listing: Listing, wire: Wire, reset: tuple[Reason, tuple[int, int] | None] | None) -> bytes:
        """*listing* as a `snapshot`, or when *reset* says why, as a `reset`."""
        name, data = ("snapshot", snapshot(listing)) if reset is None else ("reset", snapshot(listing, *reset))
        return self.event(wire, name, data, listing.head)

    def goodbye(self, reader: Reader, reason: str, code: int, retry_ms: int) -> None:
        """Close the connection of *reader* with a `goodbye` and, on a WebSocket, the close *code*."""
        farewell = self.event(reader.sink.wire, "goodbye", {"reason": reason, "retryMs": retry_ms})
        reader.sink.close(code, reason, farewell)

    def deleted(self, reader: Reader) -> None:
        """Close the connection of *reader*: its feed was deleted."""
        self.goodbye(reader, "deleted", 1000, _RETRY_DELETED_MS)

    def refuse(self, reader: Reader) -> None:
        """Close the connection of *reader* before `hello`: the log cannot be read."""
        data = {"reason": "the event log cannot be read", "retryMs": _RETRY_UNAVAILABLE_MS}
        reader.sink.close(1013, "unavailable", self.event(reader.sink.wire, "unavailable", data))

    def stale(self, reader: Reader, since: int) -> None:
        """Tell *reader*, once, that the log has not been readable since the time *since* (ms)."""
        if reader.state in (State.BEHIND, State.LIVE) and reader.sink.writable and not reader.told_stale:
            reader.told_stale = True
            self._groups.interrupt(reader, self.terms.now())
            reader.say("stale", {"since": rfc3339(since)})

    def fresh(self, reader: Reader, since: int) -> None:
        """Tell *reader*, if it was told `stale`, that the log is readable again."""
        if reader.told_stale:
            reader.told_stale = False
            reader.say("fresh", {"since": rfc3339(since)})

    def heartbeat(self, readers: Iterable[Reader], head: Cursor) -> None:
        """Send each of *readers* its own position, so that the cursor of a quiet reader never falls out of the log."""
        made: dict[tuple[Wire, Cursor | None], bytes] = {}
        now = self.terms.now()
        data = {"serverTime": rfc3339(now), "head": str(head)}
        for reader in readers:
            if reader.state is State.OPENING or not reader.sink.writable:
                continue
            if reader.state is State.LIVE and not self._groups.interrupt(reader, now, _RECENT_MS):
                continue
            key = (reader.sink.wire, None if reader.reset else reader.position)
            if key not in made:
                made[key] = self.event(key[0], "heartbeat", data, key[1])
            reader.sink.write(made[key])
