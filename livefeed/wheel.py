"""The wheel: when each reader is due for its heartbeat, without a timer for each."""

from __future__ import annotations

from livefeed.reader import Reader, State

__all__ = ["TURN", "Wheel"]

TURN = 0.5
"""Seconds from one slot to the next."""

SLOTS = 24
"""One round is 12 s, so that a heartbeat that is late is still in time. The slots spread the heartbeats: 20,000 in one instant
would stop the loop for 0.2 s."""


class Wheel:
    """Every reader of a worker, in one of the slots."""

    def __init__(self) -> None:
        self._slots: list[list[Reader]] = [[] for _ in range(SLOTS)]
        self._slot = 0
        self._added = 0

    def add(self, reader: Reader) -> None:
        # At least half a round away, as a new reader needs no heartbeat yet. Alternating slots spreads a reconnect storm.
        self._added = (self._added + 1) % (SLOTS // 2)
        self._slots[(self._slot - self._added) % SLOTS].append(reader)

    def turn(self) -> list[Reader]:
        """Advance by one slot and return the readers that are due. Closed ones are removed here."""
        self._slot = (self._slot + 1) % SLOTS
        due = [reader for reader in self._slots[self._slot] if reader.state is not State.CLOSED]
        self._slots[self._slot] = due
        return due
