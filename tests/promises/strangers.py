"""A real log beside its model: what strangers and accidents do to both."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from redis.exceptions import ResponseError

from tests.promises.history import Branch, Fate, Told
from tests.promises.judge import Judged
from tests.promises.log_world import KEYS, Saved

__all__ = ["World"]

ELSEWHERE = "elsewhere"


class World(Judged):
    """Everything that can happen to a log."""

    def foreign_entry(self, kind: str) -> None:
        last = self.branch.last.cursor
        entry_id = {"now": "*", "next": f"{last.ms}-{last.seq + 1}", "future": f"{self.now() * 2}-{last.seq + 1}"}[kind]
        if self.hand.type(KEYS.log) not in (b"stream", b"none"):
            return
        # Redis itself refuses an id below one that it has given before.
        with contextlib.suppress(ResponseError):
            self.hand.xadd(KEYS.log, {"mine": "x"}, id=entry_id)

    def _physical(self) -> bool:
        return self.state == "made" and self.ghost is None and self.hand.type(KEYS.log) == b"stream"

    def _lose(self, lost: Iterable[Told]) -> None:
        for told in lost:
            self.branch.lose(told)
            self.exact = False

    def foreign_delete(self, picks: list[int]) -> None:
        kept = self.branch.kept()
        if not kept or not self._physical():
            return
        for told in {kept[pick % len(kept)] for pick in picks}:
            self.hand.xdel(KEYS.log, str(told.cursor))
            self._lose([told])

    def foreign_trim(self, left: int) -> None:
        kept = self.branch.kept()
        if not kept or not self._physical():
            return
        below = kept[-left:][0] if left else None
        if below is None:
            self.hand.xtrim(KEYS.log, 0, approximate=False)
        else:
            self.hand.xtrim(KEYS.log, minid=str(below.cursor), approximate=False)
        self._lose(kept[: max(len(kept) - left, 0)])

    def _lose_all(self) -> None:
        self._lose(self.branch.kept())
        self.ghost = None

    def drop_log(self, how: str) -> None:
        if how == "rename":
            if not self._physical():
                return
            kept = self.branch.kept()
            self.hand.rename(KEYS.log, ELSEWHERE)
            self._lose_all()
            self.away = kept
            return
        self.hand.delete(KEYS.log)
        self.refilled = False
        if how == "type":
            self.hand.set(KEYS.log, "not a stream")
        elif how == "refill" and self.branch.last.cursor.ms > 1:
            self.hand.xadd(KEYS.log, {"mine": "x"}, id=f"1-{self.branch.last.seq}")
            self.refilled = True
        self._lose_all()
        self.away = None

    def bring_back(self) -> None:
        """The stream that was renamed comes back, before anything was written in its absence."""
        if self.away is None or self.state != "made":
            return
        self.hand.rename(ELSEWHERE, KEYS.log)
        for told in self.away:
            self.branch.fates[told] = Fate.KEPT
        self.away = None

    def forget_feed(self) -> None:
        """The feed's own hash is lost, its log is not."""
        if self.state != "made" or not self._physical():
            return
        self.hand.delete(KEYS.feed)
        self.state, self.ghost, self.pieces, self.listed, self.away = "none", self.branch, {}, False, None

    def flush(self) -> None:
        self.hand.flushall()
        self.state, self.pieces, self.branch = "none", {}, Branch()
        self.ghost, self.listed, self.exact, self.away, self.refilled = None, True, True, None, False

    def save(self) -> None:
        self.saved = self._copy() or self.saved

    def _copy(self) -> Saved | None:
        """Everything as it is now, or None where the model itself is not sure of it."""
        if self.ghost is not None or not self.listed or self.refilled:
            return None
        names: Any = self.hand.keys("livefeed:*")
        dump: dict[bytes, Any] = {name: self.hand.dump(name) for name in names}
        pieces = {uri: piece.copy() for uri, piece in self.pieces.items()}
        return Saved(dump, self.branch.copy(), pieces, self.state, self.keep, self.exact)

    def fail_over(self) -> None:
        """A replica that lacks the newest, or any, of what was acknowledged since takes over."""
        if self.saved is not None:
            self._go_back(self.saved)

    def truncate(self, deeds: Iterable[Callable[[], None]]) -> None:
        """A crash after *deeds* takes the end of the append-only file, with all of them, although they were answered."""
        saved = self._copy()
        if saved is None:
            return
        for deed in deeds:
            deed()
        self._go_back(saved)

    def _go_back(self, saved: Saved) -> None:
        self.hand.flushall()
        for name, payload in saved.dump.items():
            self.hand.restore(name, 0, payload)
        self.branch, self.state, self.keep, self.exact = saved.branch.copy(), saved.state, saved.keep, saved.exact
        self.pieces = {uri: piece.copy() for uri, piece in saved.pieces.items()}
        self.ghost, self.listed, self.away, self.refilled = None, True, None, False
        self._later()
