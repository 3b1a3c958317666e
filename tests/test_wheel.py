"""The wheel: every reader is due once a round, and never many of them at once."""

from __future__ import annotations

from livefeed.channel import Channel
from livefeed.counters import Counters
from livefeed.cursors import BIRTH
from livefeed.reader import FromNow, Reader
from livefeed.terms import Terms
from livefeed.wheel import SLOTS, Wheel
from tests.channels import Connection

CHANNEL = Channel("world", BIRTH, terms=Terms(version="1", heartbeat=15, now=lambda: 0), ask=lambda *_: None, counters=Counters())


def filled(count: int) -> tuple[Wheel, list[Reader]]:
    wheel, readers = Wheel(), [Reader(CHANNEL, Connection(), FromNow()) for _ in range(count)]
    for reader in readers:
        wheel.add(reader)
    return wheel, readers


def test_everybody_is_due_once_a_round() -> None:
    wheel, readers = filled(100)
    for _ in range(3):
        due = [reader for _ in range(SLOTS) for reader in wheel.turn()]
        assert len(due) == 100
        assert set(due) == set(readers)


def test_who_was_just_greeted_is_left_alone_for_half_a_round() -> None:
    wheel, _ = filled(100)
    assert not any(wheel.turn() for _ in range(SLOTS // 2))


def test_a_storm_is_spread() -> None:
    wheel, _ = filled(SLOTS * 10)
    assert max(len(wheel.turn()) for _ in range(SLOTS)) == 20


def test_who_is_gone_leaves_the_wheel() -> None:
    wheel, (gone, stays) = filled(2)
    gone.closed()
    assert [reader for _ in range(SLOTS) for reader in wheel.turn()] == [stays]
