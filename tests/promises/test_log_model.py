"""The log against its model: whatever is done to it, no reader is told that it has everything when it has not."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from livefeed.cursors import Cursor
from livefeed.holes import Hole, Page
from tests.promises.history import ROOT
from tests.promises.log_machine import LogMachine
from tests.promises.log_world import FEED, KEYS
from tests.promises.strangers import World
from tests.promises.worker import quiet

EXAMPLES = int(os.environ.get("LIVEFEED_TEST_EXAMPLES", "60"))
"""`make chaos` runs 2,000."""


@pytest.mark.timeout(3_000)
def test_the_log_never_lies(make_world: Callable[[], World]) -> None:
    """Publishes, kills, trims, strangers' hands, failovers and readers with any kind of cursor, in any order."""
    chosen = settings(
        max_examples=EXAMPLES,
        stateful_step_count=50,
        deadline=None,
        # Times are Redis' own, so that an example found cannot be kept: it is printed as a program instead.
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    with quiet():
        run_state_machine_as_test(cast("type[LogMachine]", partial(LogMachine, make_world)), settings=chosen)


# What the machine found, as programs. The model judges each read.


def test_the_last_entry_of_a_log_whose_feed_is_lost_is_no_head(world: World) -> None:
    world.publish()
    world.forget_feed()
    world.read(world.seen[-1], 5)
    world.read(ROOT, 5)


def test_who_stands_below_deleted_events_is_told_before_the_next_append(world: World) -> None:
    for _ in range(4):
        world.publish()
    world.foreign_delete([3])
    world.foreign_delete([2])
    answer = world.run(world.log.read(FEED, world.seen[2].cursor))
    assert answer == Hole("trimmed", (3, 4))


def test_a_number_removed_above_a_hole_is_not_missing(world: World) -> None:
    for _ in range(5):
        world.publish()
    world.erase(3, "cancel")
    world.foreign_delete([2])
    assert world.run(world.log.read(FEED, world.seen[2].cursor)) == Hole("trimmed", (3, 3))
    world.sweep()
    world.read(world.seen[4], 5)


def test_a_feed_made_again_does_not_take_over_removed_numbers(world: World) -> None:
    """Its numbers begin anew: an old removed cursor would be continued on another history."""
    world.publish()
    world.publish()
    world.erase(0, "cancel")
    world.forget_feed()
    world.put()
    for _ in range(3):
        world.publish()
    for position in world.seen:
        world.read(position, 5)
    world.erase(0, "cancel")
    world.read(ROOT, 5)


def test_text_of_a_history_that_was_lost_is_kept_nowhere_out_of_a_kills_reach(world: World) -> None:
    world.publish()
    world.forget_feed()
    world.put()
    (entry,) = cast("list[tuple[bytes, dict[bytes, bytes]]]", world.hand.xrange(KEYS.rejected))
    assert entry[1][b"entry"] == b""


def test_another_type_in_place_of_the_log_stops_neither_settings_nor_sweeps(world: World) -> None:
    world.publish()
    world.drop_log("type")
    world.sweep()
    world.read(ROOT, 5)
    world.drop_log("type")
    world.put(is_open=False)
    world.read(world.branch.last, 5)


def test_a_log_filled_by_somebody_else_is_not_read_by_its_numbers(world: World) -> None:
    world.publish()
    world.drop_log("refill")
    world.read(ROOT, 5)


def test_a_foreign_entry_does_not_hide_that_a_position_is_of_another_branch(world: World) -> None:
    world.publish()
    world.publish()
    world.publish()
    world.foreign_entry("now")
    world.forge(2, 2**40, 0)


def test_since_does_not_begin_at_a_strangers_entry(world: World) -> None:
    world.publish()
    world.publish()
    world.drop_log("del")
    world.sweep()
    world.drop_log("refill")
    world.since(1, 0)


def test_the_range_missed_is_exact_for_any_cursor_and_any_trimming(world: World) -> None:
    """One read from each of all positions, under trimming by count, by strangers and around removed numbers."""
    for round_ in range(12):
        for _ in range(6):
            world.publish()
        world.erase(round_ * 7, "cancel")
        if round_ % 3 == 1:
            world.foreign_trim(12)
        if round_ % 3 == 2:
            world.sweep()
        for position in world.seen:
            world.read(position, 5)


def test_a_page_begins_after_its_position(world: World) -> None:
    world.publish()
    world.publish()
    first, second = (told.cursor for told in world.seen[1:])
    page = world.run(world.log.read(FEED, first))
    assert isinstance(page, Page)
    assert [event.cursor for event in page.events] == [second]
    assert world.run(world.log.read(FEED, second)) == Page(())
    assert world.run(world.log.read(FEED, Cursor(second.ms, 3))) == Hole("lost")
