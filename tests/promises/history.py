"""What really happened: the model that the log, and every reader of it, is held against.

An event is one object, whatever numbers and times two histories may share: nothing here compares ids to know what is what.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from livefeed.cursors import BIRTH, Cursor
from livefeed.filters import Filter

__all__ = ["ROOT", "Branch", "Fate", "Told"]


@dataclass(eq=False, slots=True)
class Told:
    """One event as it was appended. *tags* and *urgency* are what filters go by: all that its item ever had."""

    cursor: Cursor
    before: Told | None = field(repr=False)
    item: str = ""
    text: str = ""
    tags: frozenset[str] = frozenset()
    urgency: int = 9
    erases: bool = False
    """Whether it is a hold or a cancel."""
    size: int = 0
    ever_removed: bool = False

    @property
    def seq(self) -> int:
        return self.cursor.seq

    def passes(self, only: Filter) -> bool:
        return not self.item or only.passes(self.tags, self.urgency)


ROOT = Told(BIRTH, None)
"""Before the first event of any history."""


class Fate(Enum):
    """KEPT in the log; REMOVED by a hold or cancel, and remembered so; LOST: trimmed, or destroyed by somebody."""

    KEPT = "kept"
    REMOVED = "removed"
    LOST = "lost"


@dataclass(eq=False, slots=True)
class Branch:
    """One history of a feed: all events ever appended to it, by number, and what became of each."""

    line: list[Told] = field(default_factory=lambda: [ROOT])
    fates: dict[Told, Fate] = field(default_factory=lambda: {ROOT: Fate.KEPT})
    floor: Told = ROOT
    """The last event trimmed."""
    floor_known: bool = True
    """False when only the number of the floor is remembered: nobody can prove that it stands there."""

    def copy(self) -> Branch:
        return Branch(list(self.line), dict(self.fates), self.floor, self.floor_known)

    @property
    def last(self) -> Told:
        return self.line[-1]

    def holds(self, position: Told) -> bool:
        """Whether *position* is an event of this history."""
        return position.seq < len(self.line) and self.line[position.seq] is position

    def kept(self) -> list[Told]:
        return [told for told in self.line[1:] if self.fates[told] is Fate.KEPT]

    def after(self, position: Told) -> list[Told]:
        return self.line[position.seq + 1 :]

    def missing(self, position: Told) -> list[int]:
        """The numbers after *position* that a reader there can not be given, and that nobody removed on purpose."""
        return [told.seq for told in self.after(position) if self.fates[told] is Fate.LOST]

    def until_missing(self, position: Told) -> list[Told]:
        """What follows *position*, up to the first number that is missing."""
        found: list[Told] = []
        for told in self.after(position):
            if self.fates[told] is Fate.LOST:
                break
            found.append(told)
        return found

    def provable(self, position: Told) -> bool:
        """Whether the log itself can still vouch for *position*, so that there is no excuse for an alarm."""
        if position is self.last or (position is self.floor and self.floor_known):
            return True
        return position is not ROOT and self.fates[position] is not Fate.LOST

    # -- what is done to it

    def append(self, told: Told) -> None:
        assert told.before is self.last
        assert told.seq == self.last.seq + 1, "numbers are dense"
        self.line.append(told)
        self.fates[told] = Fate.KEPT

    def remove_before(self, kill: Told) -> None:
        """A hold or cancel takes away all that was said of the item before."""
        for told in self.line[1 : kill.seq]:
            if told.item == kill.item:
                # Also of what was trimmed: a worker may have it in its memory, and takes it out there.
                told.ever_removed = True
                if self.fates[told] is Fate.KEPT:
                    self.fates[told] = Fate.REMOVED

    def lose(self, told: Told) -> None:
        self.fates[told] = Fate.LOST

    def trim_to(self, floor: Told) -> None:
        """Everything up to *floor* is given up; numbers removed below it are not remembered any longer."""
        for told in self.line[1 : floor.seq + 1]:
            self.fates[told] = Fate.LOST
        self.floor, self.floor_known = floor, True

    def mend(self) -> None:
        """What the log does when it finds that something is missing: nothing below can be continued from."""
        holes = [seq for seq in self.missing(ROOT) if seq > self.floor.seq]
        if holes:
            self.trim_to(self.line[holes[-1]])
            self.floor_known = self.floor is self.last
