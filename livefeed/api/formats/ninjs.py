"""IPTC ninjs 3.1: a JSON array of news objects, tombstones among them as news objects without content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import orjson

from livefeed import ninjs
from livefeed.api.formats.page import Page
from livefeed.items import Author, Item, Place, Rendition, Tombstone

__all__ = ["MEDIA_TYPE", "NAME", "write"]

NAME = "feed.ninjs"
MEDIA_TYPE = "application/json; charset=utf-8"

_STANDARD = {"name": "ninjs", "version": "3.1", "schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json"}


def write(page: Page) -> bytes:
    """The page as ninjs: the items, then a canceled or withheld object for each that was removed."""
    return orjson.dumps([_object(item) for item in page.items] + [_removed(t) for t in page.tombstones])


def _removed(tombstone: Tombstone) -> dict[str, Any]:
    return {
        "uri": tombstone.uri,
        "version": str(tombstone.version),
        "pubStatus": tombstone.pub_status,
        "contentCreated": tombstone.content_created,
        "versionCreated": tombstone.version_created,
        "standard": _STANDARD,
    }


def _object(item: Item) -> dict[str, Any]:
    news = {
        "uri": item.uri,
        "type": item.type,
        "version": str(item.version),
        "pubStatus": item.pub_status,
        "firstCreated": item.first_created,
        "versionCreated": item.version_created,
        "contentCreated": item.content_created,
        "embargoedUntil": item.embargoed_until,
        "expires": item.expires,
        "urgency": item.urgency,
        "language": item.language,
        "headlines": list(_texts((ninjs.MAIN, "text/plain", item.headline))),
        "bodies": list(_texts((ninjs.MAIN, "text/plain", item.body_text), (ninjs.MAIN, "text/html", item.body_html))),
        "descriptions": list(
            _texts((ninjs.SUMMARY, "text/plain", item.summary), (ninjs.CORRECTION, "text/plain", item.correction))
        ),
        "by": item.by,
        "slugline": item.slugline,
        "located": item.located,
        "people": [_author(author) for author in item.authors],
        "infoSources": msgspec.to_builtins(item.info_sources),
        "places": [_place(place) for place in item.places],
        "subjects": [
            *msgspec.to_builtins(item.subjects),
            *({"name": tag, "rel": ninjs.TAG} for tag in item.tags),
        ],
        "renditions": [_rendition(r) for r in item.renditions],
        "associations": [*_associated(item), *_captions(item)],
        "altIds": list(_alternative_ids(item)),
        "genres": list(_flags(item)),
        "standard": _STANDARD,
    }
    return _filled(news)


def _texts(*texts: tuple[str, str, str]) -> Iterator[dict[str, str]]:
    for role, content_type, value in texts:
        if value:
            yield {"role": role, "contentType": content_type, "value": value}


def _author(author: Author) -> dict[str, Any]:
    contact = [{"role": ninjs.AVATAR, "value": author.avatar}] if author.avatar else []
    return _filled({"name": author.name, "rel": ninjs.AUTHOR, "uri": author.uri, "contactInfo": contact})


def _place(place: Place) -> dict[str, Any]:
    known = _filled({"name": place.name, "uri": place.uri})
    if place.lat is not None and place.lon is not None:
        # RFC 7946, 3.1.1: longitude first.
        known["geoJSON"] = {"type": "Point", "coordinates": [place.lon, place.lat]}
    return known


def _rendition(rendition: Rendition) -> dict[str, Any]:
    members = {
        "name": rendition.name,
        "href": rendition.href,
        "contentType": rendition.content_type,
        "title": rendition.title,
        "width": rendition.width,
        "height": rendition.height,
    }
    return _filled(members)


def _associated(item: Item) -> Iterator[dict[str, Any]]:
    for association in item.associations:
        yield {"name": association.rel, "rel": association.rel, "uri": association.uri}


def _captions(item: Item) -> Iterator[dict[str, Any]]:
    """Fields without an equivalent in renditions, as an association with the rendition's name and address."""
    for rendition in item.renditions:
        if rendition.caption or rendition.credit:
            descriptions = list(_texts((ninjs.CAPTION, "text/plain", rendition.caption)))
            more = {"name": rendition.name, "rel": ninjs.RENDITION, "uri": rendition.href}
            yield _filled({**more, "by": rendition.credit, "descriptions": descriptions})


def _alternative_ids(item: Item) -> Iterator[dict[str, str]]:
    yield {"role": "id", "value": item.id}
    if item.link:
        yield {"role": ninjs.LINK, "value": item.link}
    for name, value in (msgspec.to_builtins(item.origin) or {}).items():
        yield {"role": f"origin.{name}", "value": value}


def _flags(item: Item) -> Iterator[dict[str, str]]:
    for flag, is_set in (("pinned", item.pinned), ("keyEvent", item.key_event), ("highlight", item.highlight)):
        if is_set:
            yield {"name": flag, "literal": ninjs.FLAG + flag}
    if item.pin_rank:
        yield {"name": f"pinRank {item.pin_rank}", "literal": f"{ninjs.PIN_RANK}{item.pin_rank}"}


def _filled(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in ("", None, [], ())}
