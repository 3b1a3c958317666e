"""The state machine that tries everything on the log, in any order."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from livefeed.feeds import Retention
from tests.promises.history import ROOT, Told
from tests.promises.strangers import World

__all__ = ["LogMachine"]

PICK = st.integers(0, 999)
TAGS = st.sampled_from([(), ("a",), ("b",), ("a", "b")])
RETENTIONS = st.sampled_from(
    [
        Retention(),
        Retention(events=3),
        Retention(events=8),
        Retention(bytes=1_500),
        Retention(bytes=1),
        Retention(age=0),
        Retention(events=5, bytes=3_000),
    ]
)


class LogMachine(RuleBasedStateMachine):
    """*make* gives a world that is empty."""

    readers = Bundle("readers")

    def __init__(self, make: Callable[[], World]) -> None:
        super().__init__()
        self.world = make()

    @initialize(target=readers)
    def first_reader(self) -> list[Told]:
        return [ROOT]

    # -- programs

    @rule(tags=TAGS, urgency=st.integers(1, 9))
    def publish(self, tags: tuple[str, ...], urgency: int) -> None:
        self.world.publish(tags, urgency)

    @rule(count=st.integers(3, 9))
    def publish_some(self, count: int) -> None:
        for _ in range(count):
            self.world.publish()

    @rule(pick=PICK)
    def repeat(self, pick: int) -> None:
        self.world.repeat(pick)

    @rule(pick=PICK, tags=st.none() | TAGS)
    def update(self, pick: int, tags: tuple[str, ...] | None) -> None:
        self.world.update(pick, tags)

    @rule(pick=PICK)
    def hold(self, pick: int) -> None:
        self.world.erase(pick, "hold")

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        self.world.erase(pick, "cancel")

    @rule(pick=PICK, patched=st.booleans())
    def release(self, pick: int, patched: bool) -> None:
        self.world.release(pick, patched=patched)

    @rule(keep=RETENTIONS, is_open=st.sampled_from([True, True, True, False]))
    def put(self, keep: Retention, is_open: bool) -> None:
        self.world.put(keep, is_open)

    @rule()
    def sweep(self) -> None:
        self.world.sweep()

    # -- strangers and accidents

    @rule(kind=st.sampled_from(["now", "next", "future"]))
    def foreign_entry(self, kind: str) -> None:
        self.world.foreign_entry(kind)

    @rule(picks=st.lists(PICK, min_size=1, max_size=3))
    def foreign_delete(self, picks: list[int]) -> None:
        self.world.foreign_delete(picks)

    @rule(left=st.integers(0, 5))
    def foreign_trim(self, left: int) -> None:
        self.world.foreign_trim(left)

    @rule(how=st.sampled_from(["del", "rename", "type", "refill"]))
    def drop_log(self, how: str) -> None:
        self.world.drop_log(how)

    @rule()
    def bring_back(self) -> None:
        self.world.bring_back()

    @rule(how=st.sampled_from(["delete", "forget", "flush"]))
    def lose_everything(self, how: str) -> None:
        """One rule for three: after each of them a history begins that must first grow to be worth losing."""
        {"delete": self.world.delete, "forget": self.world.forget_feed, "flush": self.world.flush}[how]()

    @rule()
    def save(self) -> None:
        self.world.save()

    @rule()
    def fail_over(self) -> None:
        self.world.fail_over()

    # -- readers

    @rule(target=readers, pick=PICK)
    def join(self, pick: int) -> list[Told]:
        return [self.world.seen[pick % len(self.world.seen)]]

    @rule(reader=readers, limit=st.integers(1, 6))
    def read_a_little(self, reader: list[Told], limit: int) -> None:
        reader[0], _ = self.world.read(reader[0], limit)

    @rule(reader=readers)
    def read_to_the_end(self, reader: list[Told]) -> None:
        while True:
            before = reader[0]
            reader[0], hole = self.world.read(before, 3)
            if hole or reader[0] is before:
                break

    @rule(pick=PICK, ms=st.sampled_from([-1, 0, 1, 2**40]), seq=st.sampled_from([-2, -1, 0, 1, 2, 2**50]))
    def forge(self, pick: int, ms: int, seq: int) -> None:
        self.world.forge(pick, ms, seq)

    @rule(pick=PICK, off=st.sampled_from([-1, 0, 1]))
    def since(self, pick: int, off: int) -> None:
        self.world.since(pick, off)

    @invariant()
    def every_position_is_judged_rightly(self) -> None:
        """Beside the readers: the floor, its neighbours and the top are read from after every step."""
        branch = self.world.branch
        near = {branch.floor.seq, branch.floor.seq + 1, branch.floor.seq - 1, branch.last.seq, branch.last.seq - 1}
        for seq in near:
            if 0 <= seq < len(branch.line):
                self.world.read(branch.line[seq], 2)

    @invariant()
    def lists_are_true(self) -> None:
        self.world.list_items()
