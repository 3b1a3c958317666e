"""A real log beside its model: every read is judged."""

from __future__ import annotations

from livefeed.cursors import BIRTH, Cursor
from livefeed.holes import Continuation, Hole, NoFeed, Page
from tests.promises.history import ROOT, Branch, Fate, Told
from tests.promises.log_world import FEED, Programs

__all__ = ["Judged"]


class Judged(Programs):
    """Programs whose readers are told nothing but the truth, or the judge says what is wrong."""

    def read(self, position: Told, limit: int) -> tuple[Told, bool]:
        """Read a page; where the reader stands then, and whether it was told of a hole."""
        return self.judge(position, self.ask(position, limit), limit)

    def ask(self, position: Told, limit: int) -> Continuation:
        return self.run(self.log.read(FEED, position.cursor, limit))

    def judge(self, position: Told, answer: Continuation, limit: int) -> tuple[Told, bool]:
        """Whether *answer* is true of *position*; where a reader stands after it, and whether it was told of a hole."""
        if isinstance(answer, Page) and self.ghost is not None and self.ghost.holds(position):
            # Nothing is known of this log any more. What it still holds is no lie as long as it says no more than that.
            assert answer.events, "a reader is told to be level with a log that is gone"
            return self._check_page(self.ghost, position, answer, limit), False
        if self.state != "made":
            assert answer == NoFeed(deleted=self.state == "deleted"), f"a feed that is not there answered {answer}"
            return position, True
        if not self.branch.holds(position):
            self._check_foreign(position, answer)
            return self.branch.last, True
        missing = self.branch.missing(position)
        if isinstance(answer, Hole):
            if missing:
                assert not self.branch.until_missing(position) or not self._readable(position, limit), "a hole is told too early"
                if answer.reason == "lost":
                    assert self.refilled, "the position is of this history: it was not lost"
                else:
                    assert answer.missed == (position.seq + 1, missing[-1]), f"{answer} from {position.cursor}, missing {missing}"
            else:
                assert not self.branch.provable(position), f"a false alarm: {answer} at {position.cursor}, nothing is missing"
            return self.branch.last, True
        assert isinstance(answer, Page), f"{answer}"
        if missing:
            assert answer.events or answer.removed, f"at {position.cursor} nothing is told of {missing}"
        return self._check_page(self.branch, position, answer, limit), False

    def _readable(self, position: Told, limit: int) -> bool:
        """Whether some event can be told before the first one missing."""
        return self.branch.provable(position) and any(
            self.branch.fates[told] is Fate.KEPT for told in self.branch.until_missing(position)[:limit]
        )

    def _check_page(self, branch: Branch, position: Told, page: Page, limit: int) -> Told:
        assert len(page.events) <= limit
        told = {event.cursor: event for event in page.events}
        numbers = sorted([*told, *page.removed], key=lambda cursor: cursor.seq)
        following = branch.until_missing(position)
        assert numbers == [each.cursor for each in following[: len(numbers)]], "a page is what follows, in order, without a gap"
        for each in following[: len(numbers)]:
            event = told.get(each.cursor)
            assert (event is None) == (branch.fates[each] is Fate.REMOVED), f"{each} is told wrongly"
            if event is not None:
                assert event.item_id == each.item
                assert each.text.encode() in event.data
                assert (event.tags, event.urgency) == (each.tags, each.urgency)
        kept = [each for each in following if branch.fates[each] is Fate.KEPT]
        assert len(page.events) == min(limit, len(kept)) or len(numbers) == len(following), "a page holds as many as wanted"
        return following[len(numbers) - 1] if numbers else position

    def _check_foreign(self, position: Told, answer: Continuation) -> None:
        """A position of another history, or of none: it can only be told so."""
        assert isinstance(answer, Hole), f"{position.cursor} is of another history and was continued: {answer}"
        branch = self.branch
        if position.seq > branch.last.seq or (position.seq > branch.floor.seq and self._is_there(position.seq)):
            assert answer.reason == "lost"

    def _is_there(self, seq: int) -> bool:
        return seq < len(self.branch.line) and self.branch.fates[self.branch.line[seq]] is not Fate.LOST

    def forge(self, pick: int, ms: int, seq: int) -> None:
        """Read from a position that no server gave out."""
        near = self.seen[pick % len(self.seen)].cursor
        forged = Cursor(max(near.ms + ms, 0), max(near.seq + seq, 0))
        known = any(forged == told.cursor for told in self.seen)
        if known or forged == BIRTH or forged.ms == 0:
            return
        self.read(Told(forged, None), 5)

    def since(self, pick: int, off: int) -> None:
        if self.state != "made" or self.branch.missing(self.branch.floor) or self.branch.last is ROOT:
            return
        ms = max(self.branch.line[pick % len(self.branch.line)].cursor.ms + off, 0)
        answer = self.run(self.log.since(FEED, ms))
        wanted = [told for told in self.branch.line[1:] if told.cursor.ms >= ms]
        if isinstance(answer, Hole):
            assert not self.branch.floor_known or self.branch.floor.cursor.ms >= ms or self.branch.floor is ROOT
            return
        assert isinstance(answer, Cursor)
        assert all(told.seq > answer.seq for told in wanted), "since leaves out what came after"
        between = [told for told in self.branch.line[answer.seq + 1 :] if told.cursor.ms < ms]
        assert all(self.branch.fates[told] is not Fate.KEPT for told in between), "since brings what came before"

    def list_items(self) -> None:
        if self.state != "made" or not self.listed:
            return
        listing = self.run(self.items.newest(FEED, 1_000))
        assert listing.head == self.branch.last.cursor
        shown = b"\n".join(row.data for row in listing.rows)
        usable = [piece for piece in self.pieces.values() if piece.state == "usable"]
        assert len(listing.rows) == len(usable)
        assert all(piece.texts[-1].encode() in shown for piece in usable)
