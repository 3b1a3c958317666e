"""The forms of an item: for the desk, for readers, and what is left of one that was withdrawn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livefeed.events import rfc3339
from livefeed.items import Item, encode, parse_time

ITEM = Item(
    id="1",
    uri="urn:example:1",
    version=2,
    pub_status="usable",
    first_created="2026-11-23T12:00:00.000Z",
    version_created="2026-11-23T12:05:00.000Z",
    content_created="2026-11-23T12:00:00.000Z",
    headline="Storm",
    ed_note="SECRET",
)


def test_readers_never_see_the_note_of_the_desk() -> None:
    assert b"SECRET" in encode(ITEM)
    assert b"SECRET" not in encode(ITEM.public())


def test_type_and_urgency_are_always_there() -> None:
    assert b'"type":"text","urgency":5' in encode(ITEM.public())


def test_a_tombstone_keeps_no_text() -> None:
    stone = encode(ITEM.tombstone("unverified"))
    assert b"Storm" not in stone
    assert b'"reason":"unverified"' in stone
    assert b"reason" not in encode(ITEM.tombstone())


def test_what_was_given_can_be_taken_out_again() -> None:
    given = ITEM.given()
    assert (given.headline, given.ed_note, given.uri) == ("Storm", "SECRET", "urn:example:1")


@given(st.integers(0, 253_402_300_799_999))
def test_times_survive_the_way_there_and_back(ms: int) -> None:
    assert parse_time(rfc3339(ms)) == ms


def test_a_leap_second_is_the_second_after_it() -> None:
    assert rfc3339(parse_time("2016-12-31T23:59:60.5Z")) == "2017-01-01T00:00:00.500Z"
