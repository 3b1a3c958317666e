"""The ring: dense, bounded, and asked by equality."""

from __future__ import annotations

from livefeed.cursors import Cursor
from livefeed.events import Event, EventType
from livefeed.holes import Page
from livefeed.ring import Ring

BASE = Cursor(1_000, 10)


def event(seq: int, item_id: str = "i", size: int = 10) -> Event:
    return Event(cursor=Cursor(1_000 + seq, seq), feed="world", type=EventType.PUBLISHED, data=b"x" * size, item_id=item_id)


def filled(*seqs: int) -> Ring:
    ring = Ring(BASE)
    ring.extend(Page(tuple(event(seq, f"i{seq}") for seq in seqs)))
    return ring


def test_positions_are_here_by_equality() -> None:
    ring = filled(11, 12, 13)

    assert BASE in ring
    assert Cursor(1_012, 12) in ring
    assert Cursor(1_012, 13) not in ring
    assert Cursor(999, 10) not in ring
    assert Cursor(1_014, 14) not in ring
    assert Cursor(1_009, 9) not in ring
    assert ring.head == Cursor(1_013, 13)


def test_what_follows_a_position() -> None:
    ring = filled(11, 12, 13)

    assert [e.cursor.seq for e in ring.after(BASE, 2).events] == [11, 12]
    assert [e.cursor.seq for e in ring.after(Cursor(1_012, 12), 5).events] == [13]
    assert ring.after(ring.head, 5) == Page(())


def test_removed_numbers_keep_their_place() -> None:
    ring = Ring(BASE)
    ring.extend(Page((event(11), event(13)), (Cursor(1_012, 12),)))

    assert Cursor(1_012, 12) in ring
    assert [e.cursor.seq for e in ring.after(BASE, 9).events] == [11, 13]
    assert ring.after(BASE, 2).end == Cursor(1_012, 12)


def test_erasing_forgets_what_was_said_before_and_keeps_the_cursors() -> None:
    ring = filled(11, 12, 13)
    ring.extend(Page((event(14, "i12"),)))

    ring.erase("i12", Cursor(1_014, 14))

    assert [e.cursor.seq for e in ring.after(BASE, 9).events] == [11, 13, 14]
    assert Cursor(1_012, 12) in ring


def test_it_is_bounded_by_count() -> None:
    ring = Ring(BASE, max_events=8)
    for seq in range(11, 111):
        ring.extend(Page((event(seq),)))

    assert 8 <= len(ring) <= 10
    assert ring.head.seq == 110
    assert ring.base.seq == 110 - len(ring)
    assert ring.base in ring


def test_it_is_bounded_by_bytes() -> None:
    ring = Ring(BASE, max_bytes=1_000)
    for seq in range(11, 111):
        ring.extend(Page((event(seq, size=100),)))

    assert 10 <= len(ring) <= 13
    assert [e.cursor.seq for e in ring.after(ring.base, 99).events] == list(range(ring.base.seq + 1, 111))


def test_an_event_larger_than_the_bound_leaves_an_empty_ring_that_stands_at_it() -> None:
    ring = Ring(BASE, max_bytes=50)
    ring.extend(Page((event(11, size=1_000),)))

    assert len(ring) == 0
    assert ring.base == ring.head == Cursor(1_011, 11)


TEN = event(10).cursor


def grown(*seqs: int) -> Ring:
    ring = Ring(TEN)
    ring.extend(Page(tuple(event(seq) for seq in seqs)))
    return ring


def test_what_leads_up_to_the_base_is_kept() -> None:
    ring = grown(11, 12)
    position = Cursor(1_007, 7)
    ring.prepend(position, Page((event(8), event(10), event(11), event(12), event(13)), (Cursor(1_009, 9),)))

    assert ring.base == position
    assert ring.head == Cursor(1_012, 12)
    assert Cursor(1_009, 9) in ring
    assert [e.cursor.seq for e in ring.after(position, 9).events] == [8, 10, 11, 12]


def test_what_does_not_reach_the_base_is_not_kept() -> None:
    ring = grown(11)
    position = Cursor(1_007, 7)
    for page in (
        Page(()),
        Page((event(8), event(9))),
        Page((event(8), event(9)), (Cursor(1_009, 10),)),  # another branch
    ):
        ring.prepend(position, page)
        assert ring.base == TEN
    ring.prepend(Cursor(1_010, 10), Page((event(11),)))
    ring.prepend(Cursor(1_011, 11), Page((event(12),)))

    assert [e.cursor.seq for e in ring.after(TEN, 9).events] == [11]


def test_what_is_older_takes_no_room_of_what_is_newer() -> None:
    position, page = Cursor(1_008, 8), Page((event(9), event(10)))
    for ring in (Ring(TEN, max_events=3), Ring(TEN, max_bytes=30)):
        ring.extend(Page((event(11), event(12))))
        ring.prepend(position, page)
        assert ring.base == TEN


def test_a_kill_reaches_what_was_read_from_the_log() -> None:
    ring = Ring(TEN)
    ring.prepend(Cursor(1_008, 8), Page((event(9, "a"), event(10, "b"))))
    ring.erase("a", Cursor(1_011, 11))

    assert [e.cursor.seq for e in ring.after(Cursor(1_008, 8), 9).events] == [10]
