"""Merge patches: the next version of an item, and the one event that tells of it."""

from __future__ import annotations

from typing import Any

import pytest

from livefeed.events import EventType, rfc3339
from livefeed.exceptions import Invalid, TooLarge
from livefeed.items import Item, parse_item
from livefeed.patches import apply_patch, merge
from livefeed.versions import first_version, going_out

NOW = 1_795_435_200_000


def made(**fields: Any) -> Item:
    given = parse_item({"headline": "Storm", "tags": ["a"], **fields}, now=NOW)
    return first_version(given, item_id="1", now=NOW, producer="wire")


# RFC 7396, appendix A.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_standard(target: object, patch: object, result: object) -> None:
    assert merge(target, patch) == result


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        ({"headline": "Gale"}, EventType.UPDATED),
        ({"headline": "Gale", "correction": "It was a gale."}, EventType.CORRECTED),
        ({"correction": "It was a gale.", "pinned": True}, EventType.CORRECTED),
        ({"headline": "Gale", "pinned": True}, EventType.UPDATED),
        ({"pinned": True, "keyEvent": True}, EventType.PINNED),
        ({"keyEvent": True}, EventType.FLAGGED),
        ({"highlight": True}, EventType.FLAGGED),
        ({"pinRank": 3}, EventType.FLAGGED),
        ({"tags": None}, EventType.UPDATED),
        ({"edNote": "ask again"}, EventType.UPDATED),
        ({"headline": "Storm"}, None),
        ({}, None),
        ({"summary": None, "pinned": False}, None),
    ],
)
def test_one_event_by_precedence(patch: dict[str, Any], told: EventType | None) -> None:
    item = made()
    new, event = apply_patch(item, patch, now=NOW + 1000)
    assert event is told
    if told is None:
        assert new is item
    else:
        assert (new.version, new.version_created, new.first_created) == (2, rfc3339(NOW + 1000), rfc3339(NOW))


def test_unpinning_and_a_new_rank() -> None:
    pinned = made(pinned=True, pinRank=1)
    assert apply_patch(pinned, {"pinned": None}, now=NOW)[1] is EventType.UNPINNED
    assert apply_patch(pinned, {"pinRank": 2}, now=NOW)[1] is EventType.PINNED


def test_null_removes() -> None:
    new, _ = apply_patch(made(urgency=1, summary="s"), {"urgency": None, "summary": None, "tags": None}, now=NOW)
    assert (new.urgency, new.summary, new.tags) == (5, "", ())


def test_a_removed_editorial_time_is_that_of_the_first_version() -> None:
    item = made(contentCreated="2026-11-01T00:00:00Z")
    assert apply_patch(item, {"contentCreated": None}, now=NOW + 9)[0].content_created == rfc3339(NOW)


@pytest.mark.parametrize(
    ("patch", "pointer", "rule"),
    [
        ({"version": 5}, "/version", "server"),
        ({"pubStatus": None}, "/pubStatus", "server"),
        ({"hedline": None}, "/hedline", "unknown"),
        ({"uri": "urn:example:2"}, "/uri", "identity"),
        ({"uri": None}, "/uri", "identity"),
        ({"headline": None}, "/headline", "required"),
        ({"urgency": 0}, "/urgency", "range"),
        ({"draft": True}, "/draft", "state"),
        ({"contentCreated": rfc3339(NOW + 400_000)}, "/contentCreated", "future"),
        ([], "", "type"),
        ("x", "", "type"),
    ],
)
def test_what_a_patch_may_not_do(patch: object, pointer: str, rule: str) -> None:
    with pytest.raises(Invalid) as caught:
        apply_patch(made(), patch, now=NOW)
    assert [(e.pointer, e.rule) for e in caught.value.errors] == [(pointer, rule)]


def test_what_is_out_cannot_be_put_off() -> None:
    put_off = {"embargoedUntil": rfc3339(NOW + 60_000)}
    with pytest.raises(Invalid, match="is out already: hold it instead"):
        apply_patch(made(), put_off, now=NOW)
    assert apply_patch(made(), put_off, now=NOW, out=False)[0].embargoed_until
    assert not apply_patch(made(draft=True), {"draft": None}, now=NOW, out=False)[0].draft


def test_going_out_is_the_time_of_what_has_no_other() -> None:
    assert going_out(made(draft=True), now=NOW + 9000).content_created == rfc3339(NOW + 9000)
    assert going_out(made(contentCreated="2026-11-01T00:00:00Z"), now=NOW).content_created == "2026-11-01T00:00:00.000Z"


def test_a_scheduled_item_may_carry_the_time_at_which_it_goes_out() -> None:
    later = rfc3339(NOW + 3_600_000)
    item = made(contentCreated=later, embargoedUntil=later)
    assert item.content_created == later
    assert going_out(item, now=NOW + 3_600_000).content_created == later


def test_a_patch_may_not_make_an_item_too_large_for_an_event() -> None:
    item = made(bodyText="é" * 30_000)
    with pytest.raises(TooLarge, match="shorten its body"):
        apply_patch(item, {"bodyHtml": "x" * 20_000}, now=NOW)


def test_an_editorial_time_slightly_ahead_is_now() -> None:
    assert made(contentCreated=rfc3339(NOW + 200_000)).content_created == rfc3339(NOW)


def test_a_clock_that_stepped_back_does_not_turn_versions_around() -> None:
    new, _ = apply_patch(made(), {"headline": "Gale"}, now=NOW - 5000)
    assert new.version_created == rfc3339(NOW)
