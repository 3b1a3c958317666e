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
