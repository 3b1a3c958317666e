"""The channel: what each reader is written, in each order in which things can happen."""

from __future__ import annotations

import pytest

from livefeed.channel import Channel
from livefeed.counters import Counters
from livefeed.cursors import BIRTH, Cursor
from livefeed.events import EventType
from livefeed.filters import Filter
from livefeed.holes import Hole, NoFeed, Page
from livefeed.reader import After, FromNow, Newest, Reader, Start, Unknown
from livefeed.snapshots import Listing, Row
from livefeed.terms import Terms
from livefeed.waiting import ListNewest, ReadAfter
from tests.channels import HEAD, Connection, Feed, event, page


def test_live_from_now() -> None:
    feed = Feed()
    reader = feed.join(FromNow())

    feed.hear(11, 12)

    assert reader.heard() == ["hello", "11", "12"]


def test_a_hello_is_shared_only_by_those_who_are_told_the_same() -> None:
    now = 1_795_435_200_000
    terms = Terms(version="1", heartbeat=15, now=lambda: now)
    channel = Channel("world", HEAD, terms=terms, ask=lambda *_: None, counters=Counters())

    def hello(start: Start) -> dict[str, object]:
        connection = Connection()
        channel.join(Reader(channel, connection, start))
        return connection.data()

    first = hello(FromNow())
    now += 1
    assert hello(FromNow()) == first
    assert hello(After(HEAD))["resumed"] is True
    now += 20
    late = hello(FromNow())
    assert late["serverTime"] != first["serverTime"]
    channel.heard(page(11))
    assert hello(FromNow()) == {**late, "head": str(Cursor(1_011, 11))}


def test_a_cursor_in_the_ring_is_continued_without_asking() -> None:
    feed = Feed()
    feed.hear(11, 12)

    reader = feed.join(After(Cursor(1_011, 11)))
    feed.hear(13)

    assert reader.heard() == ["hello", "12", "13"]
    assert not feed.asked


def test_a_cursor_below_the_ring_is_paged_until_it_meets_the_ring() -> None:
    feed = Feed()
    reader = feed.join(After(Cursor(1_005, 5)))
    assert reader.heard() == []

    feed.hear(11)
    assert feed.answer(page(6, 7, 8)) == ReadAfter(Cursor(1_005, 5))
    assert reader.heard() == ["hello", "6", "7", "8"]
    assert feed.answer(page(9, 10)) == ReadAfter(Cursor(1_008, 8))

    assert reader.heard() == ["9", "10", "11"]
    feed.hear(12)
    assert reader.heard() == ["12"]


def test_a_cursor_above_the_ring_waits_for_the_tail() -> None:
    feed = Feed()
    reader = feed.join(After(Cursor(1_012, 12)))
    feed.answer(page())
    feed.hear(11)
    assert reader.heard() == ["hello"]

    assert feed.answer(page()) == ReadAfter(Cursor(1_012, 12))
    feed.hear(12, 13)

    assert reader.heard() == ["13"]


def test_a_tail_that_caught_up_during_the_read_needs_no_further_word() -> None:
    feed = Feed()
    reader = feed.join(After(Cursor(1_012, 12)))
    feed.hear(11, 12)
    feed.answer(page())
    feed.hear(13)

    assert reader.heard() == ["hello", "13"]


def test_the_same_number_of_another_branch_is_not_joined_by_order() -> None:
    feed = Feed()
    feed.hear(11, 12)
    reader = feed.join(After(Cursor(1_999, 12)))

    feed.hear(13)
    feed.answer(Hole("lost"))
    assert feed.answer(Listing(Cursor(1_013, 13), (Row("m", b"{}"),), "")) == ListNewest(20, Filter.ALL)

    assert reader.data() == {"reason": "lost", "missed": None, "items": [{}], "complete": True, "next": None}
    assert reader.heard() == ["hello", "reset"]


def test_a_snapshot_then_live() -> None:
    feed = Feed()
    reader = feed.join(Newest(2))
    feed.hear(11)
    feed.answer(Listing(HEAD, (Row("b", b"{}"), Row("a", b"{}")), "a"))

    assert reader.heard() == ["hello", "snapshot", "11"]


def test_an_unknown_position_is_reset() -> None:
    feed = Feed()
    reader = feed.join(Unknown("unknown"))
    feed.answer(Listing(HEAD, (), ""))

    assert reader.data()["reason"] == "unknown"
    assert reader.heard() == ["hello", "reset"]


@pytest.mark.parametrize("kill", [EventType.CANCELED, EventType.WITHHELD])
def test_what_was_read_before_a_kill_is_read_again(kill: EventType) -> None:
    feed = Feed()
    reader = feed.join(After(Cursor(1_008, 8)))
    snapshot = feed.join(Newest(5))

    feed.channel.heard(Page((event(11, "i9", kill),)))
    feed.answer(page(9, 10))
    feed.answer(Listing(HEAD, (Row("m", b'{"killed":1}'),), ""))
    assert reader.heard() == []
    assert snapshot.heard() == []

    feed.answer(Page((event(10),), (Cursor(1_009, 9),)))
    feed.answer(Listing(Cursor(1_011, 11), (), ""))

    assert reader.heard() == ["hello", "10", "11"]
    assert snapshot.data()["items"] == []


def test_the_ring_forgets_killed_text_before_the_kill_goes_on() -> None:
    feed = Feed()
    feed.hear(11, 12)
    feed.channel.heard(Page((event(13, "i11", EventType.CANCELED),)))

    reader = feed.join(After(HEAD))

    assert reader.heard() == ["hello", "12", "13"]
    assert feed.forgotten == ["world"]


def test_filters_look_at_what_an_item_ever_was_and_heartbeats_carry_the_position() -> None:
    feed = Feed()
    reader = feed.join(FromNow(), Filter(frozenset({"sport"})))
    feed.channel.heard(Page((event(11, tags=("sport",)), event(12, tags=("politics",)))))

    assert reader.heard() == ["hello", "11"]
    assert reader.reader is not None
    feed.channel.notices.heartbeat([reader.reader], feed.channel.ring.head)
    assert reader._heard[-1][1]["cursor"] == "1012-12"


def test_a_slow_reader_leaves_its_group_and_comes_back_level() -> None:
    feed = Feed()
    slow, quick = feed.join(FromNow()), feed.join(FromNow())
    slow.full = True
    feed.hear(11)
    feed.hear(12, 13)
    assert slow.heard() == ["hello", "11"]

    slow.resume()
    feed.hear(14)

    assert slow.heard() == ["12", "13", "14"]
    assert quick.heard() == ["hello", "11", "12", "13", "14"]


def test_a_reader_that_pauses_in_the_middle_of_catching_up() -> None:
    feed = Feed()
    reader = feed.join(After(Cursor(1_008, 8)))
    reader.full = True
    feed.answer(page(9))
    feed.hear(11)
    assert reader.heard() == ["hello"]

    reader.resume()
    feed.answer(page(9, 10))

    assert reader.heard() == ["9", "10", "11"]


def test_what_was_read_for_one_reader_serves_those_who_come_later() -> None:
    feed = Feed()
    feed.join(After(Cursor(1_008, 8)))
    feed.answer(page(9, 10))

    assert feed.join(After(Cursor(1_008, 8))).heard() == ["hello", "9", "10"]
    assert feed.join(After(Cursor(1_009, 9))).heard() == ["hello", "10"]
    assert not feed.asked


def test_after_a_hole_readers_find_out_for_themselves() -> None:
    feed = Feed()
    level, behind = feed.join(FromNow()), feed.join(After(Cursor(1_009, 9)))
    feed.answer(page(10))
    feed.channel.restart(Cursor(2_012, 12))

    assert feed.answer(page()) == ReadAfter(HEAD)
    assert not feed.asked, "both stand at one position and share the read"
    feed.channel.checked()
    feed.answer(Hole("trimmed", (11, 12)))
    feed.answer(Listing(Cursor(2_012, 12), (), ""))

    assert level.heard() == ["hello", "reset"]
    assert behind.heard() == ["hello", "10", "reset"]


def test_stale_and_fresh() -> None:
    feed = Feed()
    reader = feed.join(FromNow())
    feed.channel.stale()
    feed.channel.stale()
    late = feed.join(FromNow())

    assert reader.heard() == ["hello", "stale"]
    assert late.heard() == ["unavailable"]
    assert late.code == 1013

    feed.channel.fresh(Cursor(1_011, 11))
    feed.answer(page(11))

    assert reader.heard() == ["fresh", "11"]


def test_a_read_that_failed_is_made_again_when_the_tail_has_looked() -> None:
    feed = Feed()
    reader, opening = feed.join(After(Cursor(1_005, 5))), feed.join(After(Cursor(1_004, 4)))
    feed.answer(page(6, 7))
    feed.channel.failed(feed.asked.pop(1)[0])
    feed.channel.failed(feed.asked.pop(0)[0])
    assert opening.heard() == ["unavailable"]

    feed.channel.checked()
    feed.answer(page(8, 9, 10))

    assert reader.heard() == ["hello", "6", "7", "8", "9", "10"]


def test_a_deleted_feed_ends_its_readers() -> None:
    feed = Feed()
    live, opening = feed.join(FromNow()), feed.join(After(Cursor(1_001, 1)))
    feed.answer(NoFeed(deleted=True))
    feed.channel.deleted()

    assert live.heard() == ["hello", "goodbye"]
    assert opening.heard() == ["goodbye"]


def test_a_feed_that_redis_lost_is_reset_and_may_come_again() -> None:
    feed = Feed()
    reader = feed.join(FromNow())
    feed.channel.restart(BIRTH)
    feed.answer(NoFeed())
    feed.channel.heard(Page((event(1),)))

    assert reader.heard() == ["hello", "reset", "1"]


def test_a_reader_that_left_is_told_nothing() -> None:
    feed = Feed()
    reader = feed.join(After(Cursor(1_005, 5)))
    assert reader.reader is not None
    reader.reader.closed()
    feed.answer(page(6))
    feed.hear(11)

    assert reader.heard() == []
    assert not feed.channel.readers
