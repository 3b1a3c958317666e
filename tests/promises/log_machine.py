"""The state machine that tries everything on the log, in any order."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from livefeed.feeds import Retention
from tests.promises.crowd import Crowd
from tests.promises.history import ROOT, Told
from tests.promises.real_log import RealLog
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
    """*make* gives a world that is empty. Beside the log, and reading from it, there are workers with clients."""

    readers = Bundle("readers")

    def __init__(self, make: Callable[[], World]) -> None:
        super().__init__()
        self.world = make()

    @initialize(target=readers, seed=st.integers(0, 2**32), workers=st.integers(1, 2))
    def begin(self, seed: int, workers: int) -> list[Told]:
        self.log = RealLog(self.world)
        self.crowd = Crowd(self.log, Random(seed), workers)
        self.publish_some(3)
        self.connect(4)
        return [ROOT]

    # -- programs

    @rule(tags=TAGS, urgency=st.integers(1, 9))
    def publish(self, tags: tuple[str, ...], urgency: int) -> None:
        self.world.publish(tags, urgency)

    @rule(count=st.integers(3, 9))
    def publish_some(self, count: int) -> None:
        for _ in range(count):
            self.world.publish()

    @rule(count=st.integers(1, 5))
    def publish_and_be_heard(self, count: int) -> None:
        """What is left behind by chance alone is mostly too little to lose anything of."""
        for _ in range(count):
            self.world.publish()
            self.turn(6)

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
        self.crowd.another_history()

    @rule(count=st.integers(1, 4), pick=PICK, heard=st.integers(0, 12))
    def truncate(self, count: int, pick: int, heard: int) -> None:
        """The last things that were done are gone, whether anybody heard of them or not."""
        world = self.world
        deeds: list[Callable[[], None]] = [world.publish, partial(world.erase, pick, "cancel"), partial(world.update, pick, None)]
        world.truncate([world.publish, *deeds[:count], partial(self.turn, heard)])
        self.crowd.another_history()

    # -- workers, and clients that are connected to them

    @rule(count=st.integers(1, 4))
    def connect(self, count: int) -> None:
        """With any kind of cursor, or none."""
        for _ in range(count):
            self.crowd.join()

    @rule()
    def stall(self) -> None:
        self.crowd.slow()

    @rule()
    def resume(self) -> None:
        self.crowd.fast()

    @rule()
    def leave(self) -> None:
        self.crowd.leave()

    @rule()
    def reconnect(self) -> None:
        self.crowd.come_back()

    @rule()
    def kill_worker(self) -> None:
        self.crowd.end_worker()

    @rule(count=st.integers(5, 20))
    def turn(self, count: int) -> None:
        """The workers go on: hear a little, ask, are answered, or are not."""
        crowd = self.crowd
        deeds = [crowd.follow, crowd.step, crowd.carry_out, crowd.answer, crowd.recover, crowd.beat, crowd.lose_redis, crowd.fail]
        for deed in crowd.random.choices(deeds, (10, 20, 10, 10, 3, 2, 0.5, 0.5), k=count):
            deed()
            self.log.given.clock += 400

    def teardown(self) -> None:
        """In the end nothing hinders anybody, and everybody has everything."""
        if sys.exc_info()[0] is None and hasattr(self, "crowd"):
            self.world.put()
            self.world.publish()
            self.crowd.settle()

    # -- readers of pages

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
    def time_goes_on(self) -> None:
        self.turn(5)

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
