"""What is asked of an item: every broken field is told at once, by pointer and rule."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import orjson
import pytest

from livefeed.events import rfc3339
from livefeed.exceptions import BadRequest, Invalid, TooLarge
from livefeed.items import FIELDS, MAX_ITEM, SERVER_FIELDS, ItemInput, parse_item

NOW = 1_795_435_200_000


def parse(**fields: Any) -> ItemInput:
    return parse_item(fields, now=NOW)


def errors(**fields: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        parse_item(fields, now=NOW)
    assert all(error.detail for error in caught.value.errors)
    return {error.pointer: error.rule for error in caught.value.errors}


def test_every_field_has_a_place_in_the_struct() -> None:
    assert set(FIELDS) == set(ItemInput.__struct_encode_fields__)
    assert not set(SERVER_FIELDS) & set(FIELDS)
    assert msgspec.json.decode(b'{"headline":"a"}', type=ItemInput) == parse(headline="a")


def test_a_full_item() -> None:
    item = parse(
        uri="urn:example:1",
        type="picture",
        headline="Storm",
        bodyHtml="<p>Rain</p>",
        urgency=2,
        contentCreated="2026-11-23T12:30:00.5+01:00",
        language="de-AT",
        by="A. Writer",
        authors=[{"name": "A", "uri": "https://example.org/a"}],
        infoSources=[{"name": "TASR"}],
        located="Vienna",
        places=[{"name": "Vienna", "lat": 48.2, "lon": 16}],
        subjects=[{"uri": "http://cv.iptc.org/newscodes/mediatopic/20000123"}],
        tags=["Weather", "weather ", "Straße", "STRASSE"],
        link="https://example.org/storm",
        renditions=[{"name": "main", "href": "https://example.org/1.jpg", "contentType": "image/jpeg", "title": "A tree"}],
        embargoedUntil="2026-11-24T00:00:00Z",
        expires="2026-11-25T00:00:00Z",
        associations=[{"rel": "follows", "uri": "urn:example:0"}],
        edNote="call back\nlater",
        keyEvent=True,
        pinRank=3,
    )
    assert item.content_created == "2026-11-23T11:30:00.500Z"
    assert item.tags == ("Weather", "Straße")
    assert item.places[0].lon == 16.0
    assert item.ed_note == "call back\nlater"


def test_every_broken_field_is_told_at_once() -> None:
    told = errors(
        hedline="x",
        urgency=0,
        tags=["ok", "", "x" * 65],
        version=3,
        authors=[{"nam": "x"}, 5],
        link="javascript:alert(1)",
        contentCreated="2026-11-23T12:00:00",
        language="english!",
        headline="",
    )
    assert told == {
        "/hedline": "unknown",
        "/urgency": "range",
        "/tags/1": "length",
        "/tags/2": "length",
        "/version": "server",
        "/authors/0/nam": "unknown",
        "/authors/0/name": "required",
        "/authors/1": "type",
        "/link": "link",
        "/contentCreated": "time",
        "/language": "language",
        "/headline": "length",
    }


@pytest.mark.parametrize(
    ("fields", "pointer", "rule"),
    [
        ({}, "/headline", "required"),
        ({"bodyHtml": "<p><script>x</script></p>"}, "/headline", "required"),
        ({"headline": "x" * 301}, "/headline", "length"),
        ({"headline": None}, "/headline", "type"),
        ({"headline": "\ud800"}, "/headline", "unicode"),
        ({"bodyHtml": "x" * 32_769}, "/bodyHtml", "length"),
        ({"headline": "x", "urgency": True}, "/urgency", "type"),
        ({"headline": "x", "urgency": 2.5}, "/urgency", "type"),
        ({"headline": "x", "urgency": "2"}, "/urgency", "type"),
        ({"headline": "x", "type": "poem"}, "/type", "choice"),
        ({"headline": "x", "tags": "sport"}, "/tags", "type"),
        ({"headline": "x", "tags": ["t"] * 21}, "/tags", "count"),
        ({"headline": "x", "uri": "story 1"}, "/uri", "uri"),
        ({"headline": "x", "uri": "javascript:alert(1)"}, "/uri", "uri"),
        ({"headline": "x", "link": "https://"}, "/link", "link"),
        ({"headline": "x", "link": "https://[::1"}, "/link", "link"),
        ({"headline": "x", "link": "https://bank.example@evil.example/"}, "/link", "link"),
        ({"headline": "x", "link": "https://a.example\\@b.example/"}, "/link", "link"),
        ({"headline": "x", "link": "https://a.example:99999/"}, "/link", "link"),
        ({"headline": "x", "link": "x" * 2049}, "/link", "length"),
        ({"headline": "x", "uri": "tag:" + "x" * 512}, "/uri", "length"),
        ({"headline": "x", "pinRank": []}, "/pinRank", "type"),
        ({"headline": "x", "places": [{"name": "A", "lat": "1", "lon": 0}]}, "/places/0/lat", "type"),
        ({"headline": "x", "link": "https://a.example/\u202eb"}, "/link", "link"),
        ({"headline": "x", "contentCreated": rfc3339(NOW + 300_001)}, "/contentCreated", "future"),
        ({"headline": "x", "contentCreated": "0001-01-01T00:00:00Z"}, "/contentCreated", "range"),
        ({"headline": "x", "contentCreated": "2026-02-30T00:00:00Z"}, "/contentCreated", "time"),
        ({"headline": "x", "contentCreated": "9999-12-31T23:59:60Z"}, "/contentCreated", "range"),
        ({"headline": "x", "places": [{"name": "A", "lat": 1}]}, "/places/0", "pair"),
        ({"headline": "x", "places": [{"name": "A", "lat": 91, "lon": 0}]}, "/places/0/lat", "range"),
        ({"headline": "x", "subjects": [{}]}, "/subjects/0", "required"),
        ({"headline": "x", "pinned": 1}, "/pinned", "type"),
        (
            {"headline": "x", "embargoedUntil": "2026-12-02T00:00:00Z", "expires": "2026-12-01T00:00:00Z"},
            "/expires",
            "order",
        ),
    ],
)
def test_a_broken_rule_is_named(fields: dict[str, Any], pointer: str, rule: str) -> None:
    assert errors(**fields) == {pointer: rule}


def test_an_unknown_field_is_told_with_the_nearest_known_one() -> None:
    with pytest.raises(Invalid, match=r"'body_html' is not a known field: did you mean 'bodyHtml'\?"):
        parse(body_html="x")
    with pytest.raises(Invalid, match="'zzz' is not a known field: known are uri, type, headline"):
        parse(headline="x", zzz=1)


def test_an_item_is_an_object() -> None:
    for body in (b"[]", b'"x"', b"null", b"1"):
        with pytest.raises(Invalid, match="must be a JSON object"):
            parse_item(body, now=NOW)


def test_the_json_door_is_asked_first() -> None:
    with pytest.raises(BadRequest):
        parse_item(b'{"headline":"a","headline":"b"}', now=NOW)
    with pytest.raises(TooLarge, match=f"{MAX_ITEM:,} are allowed"):
        parse_item(orjson.dumps({"headline": "x", "bodyText": "y" * 70_000}), now=NOW)


def test_a_little_ahead_is_a_clock_that_differs() -> None:
    assert parse(headline="x", contentCreated=rfc3339(NOW + 300_000)).content_created == rfc3339(NOW + 300_000)


BOMBS: dict[str, dict[str, Any]] = {
    "six thousand unknown names": {f"a{number}": 1 for number in range(6000)},
    "a very long name": {"x" * 60_000: 1},
    "scripts that never end": {"headline": "<script " * 8000},
    "tags inside tags": {"headline": "<" * 16_000 + "b>" * 16_000},
    "tags that never end": {"summary": "<a" * 30_000},
    "lists inside lists": {"bodyHtml": "<ul><li>" * 8000},
    "as many lists as are allowed": {"bodyHtml": "<ul><li>" * 1999 + "x"},
    "marks upon marks": {"bodyText": "a" + "\u0301\u0323" * 14_000},
    "unknown names in every author": {"headline": "x", "authors": [{f"k{n}": 1 for n in range(600)}] * 10},
    "a scheme without end": {"headline": "x", "uri": "a" * 60_000 + ":"},
    "a language without end": {"headline": "x", "language": "a-" * 30_000},
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", BOMBS)
def test_nothing_takes_long_to_refuse(name: str) -> None:
    """Each of these took seconds where the work grew with the square of its size."""
    with contextlib.suppress(Invalid):
        parse_item(BOMBS[name], now=NOW)


def test_more_unknown_names_than_can_be_told_are_counted() -> None:
    with pytest.raises(Invalid, match="and 15 more are not known fields"):
        parse_item({"headline": "x", **{f"a{number}": 1 for number in range(25)}}, now=NOW)


def test_marks_upon_marks_are_bounded() -> None:
    assert parse(bodyText="a" + "\u0323" * 40).body_text == "\u1ea1" + "\u0323" * 29
