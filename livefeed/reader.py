"""The reader: one live stream of one feed, and what must still be sent to it.

Rule 1: a reader's position never runs ahead of what was written to it.
Rule 2: a reader enters its group only when its position is exactly the head of the ring, in the turn in which that was seen.
Rule 3: `hello` comes first, and is sent once the value of `resumed` is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from livefeed.cursors import Cursor
from livefeed.filters import Filter
from livefeed.grants import Caller
from livefeed.holes import Reason
from livefeed.wires import Wire

if TYPE_CHECKING:
    from livefeed.channel import Channel

__all__ = ["RESET_ITEMS", "After", "FromNow", "Newest", "Reader", "Send", "Sink", "Start", "State", "Unknown"]

RESET_ITEMS = 20
"""Items in a reset for readers that did not ask for a number."""


Send = Callable[[bytes], int | None]
"""Sends what the connection takes at once, and returns how many bytes that were; the rest has to be written. None if there is no
rest. Raises `OSError` if everything has to be written."""


class Sink(Protocol):
    """What a reader writes to: its connection."""

    wire: Wire

    @property
    def writable(self) -> bool: ...

    @property
    def send(self) -> Send:
        """The cheapest way to write; good for as long as the sink exists."""

    def write(self, data: bytes | memoryview, /) -> None: ...

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None: ...


@dataclass(frozen=True, slots=True)
class FromNow:
    """Live from now on."""


@dataclass(frozen=True, slots=True)
class After:
    """From after *position*; *given* when the reader named it itself, so that `hello` answers whether it was continued."""

    position: Cursor
    given: bool = True


@dataclass(frozen=True, slots=True)
class Newest:
    """A snapshot of the newest items, then live."""

    items: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A position that cannot be continued, known beforehand: a reset, then live."""

    reason: Reason


Start = FromNow | After | Newest | Unknown


class State(Enum):
    """OPENING → BEHIND ⇄ LIVE → CLOSED. *Behind* is replaying, and catching up after the connection was slow."""

    OPENING = "opening"
    BEHIND = "behind"
    LIVE = "live"
    CLOSED = "closed"


Greet = Callable[["Reader", Mapping[str, Any], Cursor | None], None]


class Reader:
    """One reader of one feed. What it does next is decided by its channel; it owns only its own state.

    *items* is how many items a snapshot or reset brings. *greet* writes the `hello`, where a connection has its own form of it.
    """

    __slots__ = (
        "_position",
        "caller",
        "channel",
        "greet",
        "items",
        "only",
        "reset",
        "sink",
        "start",
        "state",
        "told_stale",
        "waits",
    )

    def __init__(
        self,
        channel: Channel,
        sink: Sink,
        start: Start,
        *,
        only: Filter = Filter.ALL,
        caller: Caller = Caller.ANONYMOUS,
        items: int = RESET_ITEMS,
        greet: Greet | None = None,
    ) -> None:
        self.channel = channel
        self.sink = sink
        self.start = start
        self.only = only
        self.caller = caller
        self.items = start.items if isinstance(start, Newest) else items
        self.greet = greet
        self.state = State.OPENING
        self.told_stale = False
        self.waits = False
        """Whether a read is under way for it, or it waits for the tail: it is in one such list at most."""
        self.reset: tuple[Reason, tuple[int, int] | None] | None = None
        """The reason, if a reset must be sent next."""
        self._position: Cursor | None = None

    @property
    def position(self) -> Cursor | None:
        """The position up to which events were written to this reader; None before it is known."""
        return self.channel.ring.head if self.state is State.LIVE else self._position

    @position.setter
    def position(self, position: Cursor) -> None:
        self._position = position

    def hello(self, resumed: bool | None, cursor: Cursor | None = None) -> None:
        """Send `hello`, once."""
        if self.state is not State.OPENING:
            return
        self.state = State.BEHIND
        channel = self.channel
        if self.greet is not None:
            self.greet(self, channel.terms.hello(channel.feed, channel.ring.head, resumed), cursor)
        else:
            self.sink.write(channel.notices.hello(self.sink.wire, channel.ring.head, resumed, cursor))

    def say(self, name: str, data: Mapping[str, Any] | bytes, cursor: Cursor | None = None) -> None:
        """Write a stream event."""
        self.sink.write(self.channel.notices.event(self.sink.wire, name, data, cursor))

    # -- called by the connection

    def pause(self) -> None:
        self.channel.pause(self)

    def resume(self) -> None:
        self.channel.resume(self)

    def closed(self) -> None:
        self.channel.leave(self)
