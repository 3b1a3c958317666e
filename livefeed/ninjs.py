"""Reading IPTC ninjs: converts a news object of version 1, 2 or 3 to an item as a producer submits it.

ninjs has arrays where an item has a single value, and has no equivalent for some of its fields. The names below define where
Livefeed stores those, so that its own documents are read back unchanged; other readers see them as what they are declared to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from livefeed.items import FIELDS
from livefeed.items.shapes import ListOf
from livefeed.newsobjects import Association, Concept, NewsObject, Rendition, Text, read_news_object

__all__ = [
    "AUTHOR",
    "AVATAR",
    "CAPTION",
    "CORRECTION",
    "FLAG",
    "LINK",
    "MAIN",
    "PIN_RANK",
    "RENDITION",
    "SUMMARY",
    "TAG",
    "item_input",
    "pub_status",
]

MAIN = "main"
"""Role of the item's own headline and body."""
SUMMARY, CORRECTION, CAPTION = "summary", "correction", "caption"
"""Roles of descriptions."""
LINK = "link"
"""Role of the alternative id that contains the article's URL."""
AUTHOR, AVATAR = "author", "avatar"
"""Relation of an author, and role of the contact information that contains their picture."""
TAG = "tag"
"""Relation of a subject that is a plain tag."""
RENDITION = "rendition"
"""Relation of an association with additional data for the rendition of the same name and address."""
FLAG = "livefeed:"
"""Prefix of a genre's literal that represents a flag: pinned, keyEvent, highlight."""
PIN_RANK = "livefeed:pinRank:"

_HTML = ("text/html", "application/xhtml+xml")

_TYPES = {"graphic": "picture", "component": "composite", "planning": "event"}


def pub_status(document: Mapping[str, Any]) -> str:
    """The news object's status: `usable`, `withheld` (hold it) or `canceled` (kill it)."""
    return read_news_object(document).pubstatus.removeprefix("stat:")


def item_input(document: Mapping[str, Any]) -> dict[str, Any]:
    """The news object as the fields of a submitted item. Raises `Invalid` if a member has the wrong type."""
    ninjs = read_news_object(document)
    given = {
        "uri": ninjs.uri,
        "type": _TYPES.get(ninjs.type, ninjs.type),
        # A title is metadata, and only shown to the public if there is nothing else.
        "headline": _of_role(ninjs.headlines, MAIN) or ("" if ninjs.bodies else ninjs.title),
        "bodyText": _of_role(_in_form(ninjs.bodies, html=False), MAIN),
        "bodyHtml": _of_role(_in_form(ninjs.bodies, html=True), MAIN),
        "summary": _summary(ninjs.descriptions),
        "correction": next((d.value for d in ninjs.descriptions if d.role == CORRECTION), ""),
        "urgency": ninjs.urgency,
        # The version's time is when the newsroom last changed it, which is closer to the editorial time than the current time.
        "contentCreated": ninjs.contentcreated or ninjs.versioncreated,
        "embargoedUntil": ninjs.embargoeduntil,
        "expires": ninjs.expires,
        "language": ninjs.language,
        "by": ninjs.by,
        "slugline": ninjs.slugline,
        "located": ninjs.located,
        "link": next((alt.value for alt in ninjs.altids if alt.role == LINK), ""),
        "authors": [_author(person) for person in ninjs.people if person.rel in (AUTHOR, "creator")],
        "infoSources": list(_sources(ninjs)),
        "places": [_place(place) for place in ninjs.places if place.label],
        # People in the news come after the subjects, up to the maximum number.
        "subjects": list(islice(_subjects(ninjs), _most("subjects"))),
        "tags": [subject.label for subject in ninjs.subjects if subject.rel == TAG],
        "renditions": [_rendition(r, ninjs.associations) for r in ninjs.renditions if r.href],
        "associations": [{"rel": a.rel or a.name, "uri": a.uri} for a in ninjs.associations if a.rel != RENDITION and a.uri],
        "edNote": "\n".join(note for note in (ninjs.ednote, ninjs.copyrightnotice, ninjs.usageterms) if note),
    }
    return {name: value for name, value in given.items() if value not in ("", None, [])} | _flags(ninjs.genres)


def _in_form(texts: Iterable[Text], *, html: bool) -> list[Text]:
    return [text for text in texts if (text.contenttype.partition(";")[0].strip().lower() in _HTML) is html]


def _most(field: str) -> int:
    rule = FIELDS[field]
    assert isinstance(rule, ListOf)
    return rule.most


def _web(uri: str) -> str:
    """A concept's URI may be a mere identifier; those of authors and sources are links."""
    return uri if uri.lower().startswith(("http://", "https://")) else ""


def _of_role(texts: Iterable[Text], role: str) -> str:
    """The text with that *role*, else the first one."""
    known = list(texts)
    return next((text.value for text in known if text.role == role), known[0].value if known else "")


def _summary(descriptions: Iterable[Text]) -> str:
    return _of_role((d for d in descriptions if d.role not in (CORRECTION, CAPTION)), SUMMARY)


def _author(person: Concept) -> dict[str, str]:
    avatar = next((contact.value for contact in person.contactinfo if contact.role == AVATAR), "")
    return _filled(name=person.label, uri=_web(person.uri), avatar=_web(avatar))


def _sources(ninjs: NewsObject) -> Iterator[dict[str, str]]:
    for source in ninjs.infosources:
        if source.label:
            yield _filled(name=source.label, uri=_web(source.uri), role=source.role)
    if ninjs.copyrightholder:
        yield {"name": ninjs.copyrightholder, "role": "copyrightHolder"}


def _subjects(ninjs: NewsObject) -> Iterator[dict[str, str]]:
    """Everything that the news is about. An item has a single list for all kinds of concepts."""
    people = [person for person in ninjs.people if person.rel not in (AUTHOR, "creator")]
    for concept in (*ninjs.subjects, *people, *ninjs.organisations, *ninjs.events, *ninjs.objects):
        if concept.rel != TAG and (concept.label or concept.uri):
            yield _filled(name=concept.name or concept.literal, uri=concept.uri)


def _place(place: Concept) -> dict[str, Any]:
    known: dict[str, Any] = dict(_filled(name=place.label, uri=place.uri))
    match place.geojson:
        # RFC 7946, 3.1.1: longitude first.
        case {"type": "Point", "coordinates": [lon, lat, *_]} | {"geometry": {"type": "Point", "coordinates": [lon, lat, *_]}}:
            known |= {"lon": lon, "lat": lat}
    return known


def _rendition(rendition: Rendition, associations: Iterable[Association]) -> dict[str, Any]:
    more = [a for a in associations if a.rel == RENDITION and (a.name, a.uri) == (rendition.name, rendition.href)]
    caption = next((d.value for a in more for d in a.descriptions if d.role == CAPTION), "")
    credit = next((a.by for a in more if a.by), "")
    texts = _filled(contentType=rendition.contenttype, title=rendition.title, caption=caption, credit=credit)
    sizes = {"width": rendition.width, "height": rendition.height}
    return {"name": rendition.name, "href": rendition.href, **texts, **{k: v for k, v in sizes.items() if v is not None}}


def _flags(genres: Iterable[Concept]) -> dict[str, Any]:
    literals = {genre.literal for genre in genres}
    flags: dict[str, Any] = {flag: True for flag in ("pinned", "keyEvent", "highlight") if FLAG + flag in literals}
    for literal in literals:
        rank = literal.removeprefix(PIN_RANK)
        if rank != literal and rank.isascii() and rank.isdigit():
            flags["pinRank"] = int(rank)
    return flags


def _filled(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}
