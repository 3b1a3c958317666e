"""Validation and sanitising of submitted items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from livefeed.exceptions import FieldError, Invalid
from livefeed.items.cleaning import has_text
from livefeed.items.model import Association, Author, InfoSource, ItemInput, ItemType, Place, Rendition, Subject
from livefeed.items.rules import Choice, Flag, Html, Integer, Language, Link, Number, Rule, Text, Time, Uri
from livefeed.items.shapes import ListOf, Record, Tags
from livefeed.items.times import parse_time
from livefeed.jsondoor import load_json

__all__ = ["FIELDS", "MAX_EVENT", "MAX_ITEM", "RECORD", "SERVER_FIELDS", "check_item", "parse_item", "unknown_fields"]

MAX_EVENT = 64 * 1024
"""Maximum size of an event in bytes: the size of CloudEvents that intermediaries must forward."""
MAX_ITEM = MAX_EVENT
"""Maximum size of a submitted item in bytes: a larger one could not be sent as an event."""
MAX_BODY = 32 * 1024
MAX_AHEAD = 5 * 60_000
"""How far (ms) an editorial time may be in the future: clocks differ by minutes. Later times belong in `embargoedUntil`."""

_place = Record({"name": Text(200, 1), "uri": Uri(), "lat": Number(-90, 90), "lon": Number(-180, 180)}, Place, ("name",))
_rendition = Record(
    {
        "name": Text(100, 1),
        "href": Link(),
        "contentType": Text(100),
        "width": Integer(1, 100_000),
        "height": Integer(1, 100_000),
        "title": Text(500),
        "caption": Text(1000),
        "credit": Text(200),
    },
    Rendition,
    ("name", "href"),
)

FIELDS: Mapping[str, Rule] = {
    "uri": Uri(),
    "type": Choice(get_args(ItemType)),
    "headline": Text(300, 1),
    "bodyText": Text(MAX_BODY, lines=True),
    "bodyHtml": Html(MAX_BODY),
    "urgency": Integer(1, 9),
    "contentCreated": Time(),
    "language": Language(),
    "by": Text(200),
    "authors": ListOf(Record({"name": Text(100, 1), "uri": Link(), "avatar": Link()}, Author, ("name",)), 10),
    "infoSources": ListOf(Record({"name": Text(100, 1), "uri": Link(), "role": Text(100)}, InfoSource, ("name",)), 10),
    "located": Text(200),
    "places": ListOf(_place, 5),
    "subjects": ListOf(Record({"name": Text(200), "uri": Uri()}, Subject), 20),
    "tags": Tags.up_to(20),
    "slugline": Text(100),
    "summary": Text(500),
    "link": Link(),
    "renditions": ListOf(_rendition, 10),
    "embargoedUntil": Time(),
    "expires": Time(),
    "associations": ListOf(Record({"rel": Text(50, 1), "uri": Uri()}, Association, ("rel", "uri")), 10),
    "correction": Text(500),
    "draft": Flag(),
    "pinned": Flag(),
    "pinRank": Integer(0, 1000),
    "keyEvent": Flag(),
    "highlight": Flag(),
    "edNote": Text(2000, lines=True),
}
"""Every input field and its rule."""

SERVER_FIELDS = ("id", "version", "pubStatus", "firstCreated", "versionCreated", "origin")

_TEXTS = {"headline": "headline", "bodyText": "body_text", "bodyHtml": "body_html"}

RECORD = Record(FIELDS, ItemInput, foreign=dict.fromkeys(SERVER_FIELDS, "is given by the server: leave it out"))


def parse_item(body: bytes | Mapping[str, Any], *, now: int) -> ItemInput:
    """Validate and sanitise submitted JSON at the time *now* (ms).

    `Invalid` reports all invalid fields together; `BadRequest` and `TooLarge` concern the JSON itself.
    """
    return check_item(load_json(body, limit=MAX_ITEM, what="the item") if isinstance(body, bytes) else body, now=now)


def check_item(value: object, *, now: int | None) -> ItemInput:
    """Validate and sanitise parsed JSON. With *now* None, the editorial time may be in the future: it was checked before."""
    if not isinstance(value, Mapping):
        raise Invalid(FieldError("", "type", "an item must be a JSON object"))
    kept, errors = RECORD.collect(value, "")
    errors += _together(kept, value, now)
    if errors:
        raise Invalid(*errors)
    return ItemInput(**kept)


def unknown_fields(value: Mapping[str, Any]) -> list[FieldError]:
    """The names in *value* that are not allowed."""
    return RECORD.unknown(value)


def _together(kept: dict[str, Any], value: Mapping[str, Any], now: int | None) -> list[FieldError]:
    """Rules that involve more than one field."""
    errors: list[FieldError] = []

    def require(good: bool, field: str, rule: str, detail: str) -> None:
        if not good:
            errors.append(FieldError(f"/{field}", rule, detail))

    if not any(name in value and snake not in kept for name, snake in _TEXTS.items()):  # an invalid one has its own error
        text = kept.get("headline") or kept.get("body_text") or has_text(kept.get("body_html", ""))
        require(bool(text), "headline", "required", "headline: give a headline, a bodyText or a bodyHtml")
    if now is not None and (created := kept.get("content_created")):
        ahead = "contentCreated: is more than 5 minutes ahead; to publish later, give embargoedUntil"
        out = max(now, parse_time(kept["embargoed_until"]) if kept.get("embargoed_until") else now)
        require(parse_time(created) <= out + MAX_AHEAD, "contentCreated", "future", ahead)
    if (embargo := kept.get("embargoed_until")) and (expires := kept.get("expires")):
        require(embargo < expires, "expires", "order", "expires: must be later than embargoedUntil")
    for index, place in enumerate(kept.get("places", ())):
        both = f"places/{index}"
        require((place.lat is None) == (place.lon is None), both, "pair", f"{both}: give lat and lon together")
    for index, subject in enumerate(kept.get("subjects", ())):
        either = f"subjects/{index}"
        require(bool(subject.name or subject.uri), either, "required", f"{either}: give a name or a uri")
    return errors
