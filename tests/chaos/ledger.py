"""The oracle: what was published and answered, and what every reader was told of it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import orjson

__all__ = ["Heard", "Ledger"]


@dataclass(slots=True)
class Ledger:
    """One feed's truth. *texts* are what was asked to be published, by `uri`; *acked* what was answered with 2xx."""

    texts: dict[str, str] = field(default_factory=dict)
    acked: dict[str, str] = field(default_factory=dict)
    events: dict[str, list[str]] = field(default_factory=dict)
    """By `uri`, the cursors under which it was heard."""
    bytes_of: dict[str, int] = field(default_factory=dict)
    altered: int = 0
    phantoms: int = 0

    def check(self, cursor: str, data: bytes) -> None:
        """Every reader must get the same bytes, and they must be what was published."""
        sum_ = zlib.crc32(data)
        known = self.bytes_of.get(cursor)
        if known is not None:
            self.altered += known != sum_
            return
        self.bytes_of[cursor] = sum_
        item = orjson.loads(data)["data"]
        uri = item.get("uri", "")
        self.events.setdefault(uri, []).append(cursor)
        if uri not in self.texts:
            self.phantoms += 1
        elif item.get("headline") != self.texts[uri]:
            self.altered += 1

    @property
    def doubled(self) -> int:
        """Items that were published once and are in the log twice."""
        return sum(len(cursors) - 1 for cursors in self.events.values())

    @property
    def lost(self) -> int:
        """Items that were answered with 2xx and never heard of, under the cursor that was answered."""
        return sum(cursor not in self.events.get(uri, ()) for uri, cursor in self.acked.items())


@dataclass(slots=True)
class Heard:
    """One reader's account."""

    ledger: Ledger
    position: str = "0-0"
    delivered: int = 0
    silent: int = 0
    """Numbers that were passed over without a word."""
    doubled: int = 0
    """Events that came again, or out of order."""
    resets: list[dict[str, object]] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    """Where it stood at each reset."""
    line: list[str] | None = None
    """What it heard since the last reset, where that is wanted."""
    told: list[tuple[str, float]] = field(default_factory=list)
    connections: int = 0

    @property
    def seq(self) -> int:
        return int(self.position.partition("-")[2])

    def event(self, cursor: str, data: bytes) -> None:
        seq, last = int(cursor.partition("-")[2]), self.seq
        if seq <= last:
            self.doubled += 1
            return
        self.silent += seq - last - 1
        self.delivered += 1
        self.position = cursor
        if self.line is not None:
            self.line.append(cursor)
        self.ledger.check(cursor, data)

    def control(self, name: str, data: bytes, at: float) -> None:
        self.told.append((name, at))
        if name in ("reset", "snapshot", "hello", "heartbeat"):
            event = orjson.loads(data)
            if name == "reset":
                self.resets.append(event["data"])
                self.alarms.append(self.position)
                self.line = None if self.line is None else []
            if "cursor" in event and (name != "heartbeat" or event["cursor"] != self.position):
                if name == "heartbeat":
                    # Nothing was removed and nothing filtered: a position that is not this reader's own is ahead of it.
                    self.silent += 1
                self.position = event["cursor"]
