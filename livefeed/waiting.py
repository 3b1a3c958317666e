"""Waiting readers of one feed: the log is being read for them, or they wait for the tail to advance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from livefeed.cursors import Cursor
from livefeed.filters import Filter
from livefeed.reader import Reader, State

__all__ = ["ListNewest", "ReadAfter", "Request", "Waiting"]


@dataclass(frozen=True, slots=True)
class ReadAfter:
    """What follows *position* in the log?"""

    position: Cursor


@dataclass(frozen=True, slots=True)
class ListNewest:
    """Which are the newest *items* that match *only*?"""

    items: int
    only: Filter


Request = ReadAfter | ListNewest


class Waiting:
    """The waiting readers by request. Equal requests share one read, and a reader waits for one thing at a time."""

    def __init__(self, ask: Callable[[Request], None]) -> None:
        self._ask = ask
        self._asking: dict[Request, list[Reader]] = {}
        self._parked: list[Reader] = []

    def request(self, request: Request, reader: Reader) -> None:
        reader.waits = True
        asking = self._asking.get(request)
        if asking is not None:
            asking.append(reader)
            return
        self._asking[request] = [reader]
        self._ask(request)

    def park(self, reader: Reader) -> None:
        """Let *reader* wait until the tail has read the log."""
        reader.waits = True
        self._parked.append(reader)

    def answered(self, request: Request) -> list[Reader]:
        """The readers that asked for *request* and are still connected.

        They keep waiting while the result is written: a connection may pause and resume within a write.
        """
        return _present(self._asking.pop(request))

    def looked(self) -> list[Reader]:
        """The parked readers that are still connected."""
        parked, self._parked = self._parked, []
        return _present(parked)


def _present(readers: Iterable[Reader]) -> list[Reader]:
    return [reader for reader in readers if reader.state is not State.CLOSED]
