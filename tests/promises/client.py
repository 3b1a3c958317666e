"""A client of the simulation: it believes nothing, and holds every byte against what really happened."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from random import Random
from typing import Any

import orjson

from livefeed.compression import GZIP
from livefeed.cursors import Cursor
from livefeed.filters import Filter
from livefeed.reader import After, FromNow, Newest, Reader, Send, Start, Unknown
from livefeed.wires import Wire
from tests.promises.history import Fate, Told
from tests.promises.truth import Truth

__all__ = ["Client"]

Killed = Callable[[Told], bool]


class Client:
    """One reader's far end. *killed* says whether its worker has heard that an event's text was held or killed."""

    def __init__(self, log: Truth, random: Random, start: Start, only: Filter, wire: Wire, killed: Killed) -> None:
        self.log = log
        self.random = random
        self.start = start
        self.only = only
        self.wire = wire
        self.killed = killed
        self.writable = True
        self.closed = False
        self.calm = False
        """Whether the connection is fast from now on."""
        self.reader: Reader | None = None
        self.at: Told | None = log.known.get(start.position) if isinstance(start, After) else None
        self.greeted = False
        self.awaits = ""
        self.stale = False
        self._inflate = zlib.decompressobj(-15) if wire is GZIP else None

    # -- the connection, as a sink

    @property
    def send(self) -> Send:
        return self.write

    def write(self, data: bytes | memoryview, /) -> None:
        if self.closed:
            return
        assert data, "nothing is written for nothing"
        self._hear(bytes(data))
        assert self.reader is not None
        if self.calm or self.closed:
            return
        chance = self.random.random()
        if chance < 0.10:
            self.pause()
        elif chance < 0.12:
            self.pause()
            self.resume()
        elif chance < 0.13:
            self.leave()

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:
        if not self.closed:
            self._hear(farewell)
            self.leave()

    def pause(self) -> None:
        if self.writable and not self.closed and self.reader is not None:
            self.writable = False
            self.reader.pause()

    def resume(self) -> None:
        if not self.writable and not self.closed and self.reader is not None:
            self.writable = True
            self.reader.resume()

    def leave(self) -> None:
        if not self.closed and self.reader is not None:
            self.closed, self.writable = True, False
            self.reader.closed()

    # -- what it is told

    def _hear(self, data: bytes) -> None:
        text = data if self._inflate is None else self._inflate.decompress(data)
        assert text.endswith(b"\n\n"), "a write is whole events"
        for block in text[:-2].split(b"\n\n"):
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
            cursor = Cursor.parse(fields[b"id"].decode()) if b"id" in fields else None
            self._told(fields.get(b"event", b"message").decode(), cursor, orjson.loads(fields[b"data"])["data"])

    def _told(self, name: str, cursor: Cursor | None, data: dict[str, Any]) -> None:
        if name == "unavailable":
            assert not self.greeted, "unavailable comes instead of hello"
            return
        if name == "goodbye":
            return
        assert self.greeted or name == "hello", f"{name} came before hello"
        if self.awaits:
            assert name in (self.awaits, "heartbeat", "stale", "fresh"), f"{name} came before the {self.awaits}"
        hear = {
            "hello": self._hello,
            "message": self._event,
            "snapshot": self._snapshot,
            "reset": self._reset,
            "heartbeat": self._heartbeat,
            "stale": self._stale,
            "fresh": self._fresh,
        }[name]
        hear(cursor, data)

    def _hello(self, cursor: Cursor | None, data: dict[str, Any]) -> None:
        assert not self.greeted, "hello comes once"
        self.greeted = True
        match self.start, data["resumed"]:
            case FromNow(), None:
                assert cursor is not None, "live from now says where that is"
                self.at = self.log.known[cursor]
            case (After(position, True), True) | (After(position, False), None):
                assert cursor is None
                # A position that was made up may have been given out in the meantime.
                self.at = self.at or self.log.known.get(position)
                assert self.at is not None, "a position that nobody gave out was continued"
            case Newest(), None:
                self.awaits = "snapshot"
            case ((After() | Unknown() | Newest()), False):
                self.awaits = "reset"
            case _:
                raise AssertionError(f"{self.start} was greeted with {data}")

    def _between(self, target: Told) -> list[Told]:
        """What lies between this client's position and *target*, which must follow it on one history."""
        assert self.at is not None, "it stands nowhere"
        between: list[Told] = []
        before = target.before
        while before is not self.at:
            assert before is not None, f"{target} does not follow {self.at}"
            assert before.seq > self.at.seq, f"{target} does not follow {self.at}"
            between.append(before)
            before = before.before
        return between

    def _quiet(self, told: Told) -> bool:
        """Whether it is right that this client never heard of *told*."""
        return not told.passes(self.only) or told.ever_removed

    def quietly_at(self, target: Told) -> bool:
        """Whether this client has everything up to *target*."""
        return target is self.at or all(self._quiet(told) for told in [target, *self._between(target)])

    def _event(self, cursor: Cursor | None, data: dict[str, Any]) -> None:
        assert cursor is not None
        told = self.log.known[cursor]
        assert self.log.text_of(data) == told.text, "other text than was published"
        assert told.passes(self.only), "it asked for other items"
        for between in self._between(told):
            assert self._quiet(between), f"{between} was skipped in silence"
        self._readable(told)
        self.at = told

    def _readable(self, told: Told) -> None:
        gone = self.log.branch.holds(told) and self.log.branch.fates[told] is Fate.REMOVED
        assert not (gone and self.killed(told)), f"{told} was killed, and this worker knew it"

    def _list(self, cursor: Cursor | None, data: dict[str, Any]) -> None:
        assert cursor is not None
        assert self.reader is not None
        texts = tuple(self.log.text_of(item) for item in data["items"])
        if cursor != (0, 0) or texts:
            assert (cursor, self.reader.items, self.only, texts) in self.log.given.listings, (
                "the list is not true for its position"
            )
        for text in texts:
            self._readable(self.log.of_text[text])
        self.at, self.awaits = self.log.known[cursor], ""

    def _snapshot(self, cursor: Cursor | None, data: dict[str, Any]) -> None:
        assert self.awaits == "snapshot", "nobody asked for a snapshot"
        self._list(cursor, data)

    def _reset(self, cursor: Cursor | None, data: dict[str, Any]) -> None:
        missed = data["missed"] and (data["missed"]["first"], data["missed"]["last"])
        assert self._justified(data["reason"], missed), f"a false alarm: {data}"
        self._list(cursor, data)

    def _justified(self, reason: str, missed: tuple[int, int] | None) -> bool:
        if reason == "lost" and missed is None and self.log.given.lost_feeds:
            return True
        if isinstance(self.start, Unknown) and self.awaits == "reset":
            return reason == self.start.reason
        told = [position for position, *why in self.log.given.holes if why == [reason, missed]]
        return any(self._stood_at(position) for position in told)

    def _stood_at(self, position: Cursor) -> bool:
        if self.at is None:
            return isinstance(self.start, After) and position == self.start.position
        target = self.log.known.get(position)
        try:
            return target is not None and self.quietly_at(target)
        except AssertionError:
            return False

    def _heartbeat(self, cursor: Cursor | None, _: dict[str, Any]) -> None:
        if cursor is None:
            assert self.awaits or self.at is None or not self.settled, "a heartbeat carries the position"
            return
        assert not self.awaits, "it stands nowhere yet"
        assert self.quietly_at(self.log.known[cursor]), "a heartbeat's cursor is ahead of what was written"
        self.at = self.log.known[cursor]

    @property
    def settled(self) -> bool:
        return self.reader is not None and self.reader.reset is None

    def _stale(self, _: Cursor | None, __: dict[str, Any]) -> None:
        assert not self.stale, "stale is said once"
        self.stale = True

    def _fresh(self, _: Cursor | None, __: dict[str, Any]) -> None:
        assert self.stale, "fresh comes after stale"
        self.stale = False
