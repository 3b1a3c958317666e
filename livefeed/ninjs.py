"""IPTC ninjs, read: a news object of version 1, 2 or 3 becomes what a producer gives.

ninjs has arrays where an item has one value, and no place for some of what an item says. The names below are where this
project keeps those, so that what it writes it reads back; another's reader sees them as what they are declared to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec

from livefeed.exceptions import FieldError, Invalid
from livefeed.items import FIELDS
from livefeed.items.shapes import ListOf

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
"""Role of the headline and the body that are the item's."""
SUMMARY, CORRECTION, CAPTION = "summary", "correction", "caption"
"""Roles of descriptions."""
LINK = "link"
"""Role of the alternative id that is the article's web address."""
AUTHOR, AVATAR = "author", "avatar"
"""Relation of a person who wrote the item, and role of the contact information that is their picture."""
TAG = "tag"
"""Relation of a subject that is a free tag."""
RENDITION = "rendition"
"""Relation of an association that says more of the rendition with its name and address."""
FLAG = "livefeed:"
"""Beginning of a genre's literal that is a flag: pinned, keyEvent, highlight."""
PIN_RANK = "livefeed:pinRank:"

# Version 1 has singular names and objects keyed by name or role where later ones have arrays.
_RENAMED = {
    "embargoed": "embargoeduntil",
    "event": "events",
    "geometry_geojson": "geojson",
    "infosource": "infosources",
    "mimetype": "contenttype",
    "object": "objects",
    "organisation": "organisations",
    "person": "people",
    "place": "places",
    "subject": "subjects",
}
_KEYED = {"altids": ("role", "value"), "associations": ("name", ""), "renditions": ("name", "")}
_TEXTS = {"body": "bodies", "description": "descriptions", "headline": "headlines"}
_DEPTH = 12
"""Levels that are looked into: the standard has fewer, and a hostile document has more than the interpreter's stack."""

_FORMS = {"": "text/plain", "text": "text/plain", "html": "text/html", "xhtml": "application/xhtml+xml"}
_HTML = ("text/html", "application/xhtml+xml")

_TYPES = {"graphic": "picture", "component": "composite", "planning": "event"}


class _Text(msgspec.Struct, frozen=True):
    value: str
    role: str = ""
    contenttype: str = ""


class _Labelled(msgspec.Struct, frozen=True):
    role: str = ""
    value: str = ""


class _Concept(msgspec.Struct, frozen=True):
    name: str = ""
    literal: str = ""
    uri: str = ""
    rel: str = ""
    role: str = ""
    contactinfo: tuple[_Labelled, ...] = ()
    geojson: dict[str, Any] | None = None

    @property
    def label(self) -> str:
        return self.name or self.literal or self.uri


class _Rendition(msgspec.Struct, frozen=True):
    name: str
    href: str = ""
    contenttype: str = ""
    title: str = ""
    width: int | None = None
    height: int | None = None


class _Association(msgspec.Struct, frozen=True):
    name: str = ""
    rel: str = ""
    uri: str = ""
    by: str = ""
    descriptions: tuple[_Text, ...] = ()


class _Document(msgspec.Struct, frozen=True):
    """The members that an item has a place for, in small letters: versions 1 and 2 have no capitals."""

    uri: str = ""
    type: str = ""
    pubstatus: str = "usable"
    urgency: int | None = None
    contentcreated: str = ""
    versioncreated: str = ""
    embargoeduntil: str = ""
    expires: str = ""
    language: str = ""
    title: str = ""
    by: str = ""
    slugline: str = ""
    located: str = ""
    ednote: str = ""
    copyrightholder: str = ""
    copyrightnotice: str = ""
    usageterms: str = ""
    headlines: tuple[_Text, ...] = ()
    bodies: tuple[_Text, ...] = ()
    descriptions: tuple[_Text, ...] = ()
    people: tuple[_Concept, ...] = ()
    organisations: tuple[_Concept, ...] = ()
    objects: tuple[_Concept, ...] = ()
    events: tuple[_Concept, ...] = ()
    subjects: tuple[_Concept, ...] = ()
    places: tuple[_Concept, ...] = ()
    infosources: tuple[_Concept, ...] = ()
    genres: tuple[_Concept, ...] = ()
    altids: tuple[_Labelled, ...] = ()
    renditions: tuple[_Rendition, ...] = ()
    associations: tuple[_Association, ...] = ()


def pub_status(document: Mapping[str, Any]) -> str:
    """What the news object may be used for: `usable`, `withheld` (hold it) or `canceled` (kill it)."""
    return _read(document).pubstatus.removeprefix("stat:")


def item_input(document: Mapping[str, Any]) -> dict[str, Any]:
    """The news object as the members of an item that a producer gives; `Invalid` when a member has the wrong type."""
    ninjs = _read(document)
    given = {
        "uri": ninjs.uri,
        "type": _TYPES.get(ninjs.type, ninjs.type),
        # A title is metadata, and no text for the public unless there is no other.
        "headline": _of_role(ninjs.headlines, MAIN) or ("" if ninjs.bodies else ninjs.title),
        "bodyText": _of_role(_in_form(ninjs.bodies, html=False), MAIN),
        "bodyHtml": _of_role(_in_form(ninjs.bodies, html=True), MAIN),
        "summary": _summary(ninjs.descriptions),
        "correction": next((d.value for d in ninjs.descriptions if d.role == CORRECTION), ""),
        "urgency": ninjs.urgency,
        # The version's time is when the newsroom last touched it: nearer to the editorial time than our own clock.
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
        # Who is in the news comes after what it is about, as far as there is room.
        "subjects": list(islice(_subjects(ninjs), _most("subjects"))),
        "tags": [subject.label for subject in ninjs.subjects if subject.rel == TAG],
        "renditions": [_rendition(r, ninjs.associations) for r in ninjs.renditions if r.href],
        "associations": [{"rel": a.rel or a.name, "uri": a.uri} for a in ninjs.associations if a.rel != RENDITION and a.uri],
        "edNote": "\n".join(note for note in (ninjs.ednote, ninjs.copyrightnotice, ninjs.usageterms) if note),
    }
    return {name: value for name, value in given.items() if value not in ("", None, [])} | _flags(ninjs.genres)


def _read(document: Mapping[str, Any]) -> _Document:
    try:
        return msgspec.convert(_newest(document), _Document)
    except msgspec.ValidationError as exc:
        detail, _, path = str(exc).partition(" - at `$")
        pointer = path.rstrip("`").replace("[", "/").replace("]", "").replace(".", "/")
        raise Invalid(FieldError(pointer, "type", f"ninjs member {pointer or '/'}: {detail}")) from exc


def _newest(value: Any, depth: int = 0) -> Any:
    """*value* with the names of the newest version, in small letters, and arrays for what version 1 has keyed."""
    if isinstance(value, (list, tuple)) and depth < _DEPTH:
        return [_newest(member, depth + 1) for member in value]
    if not isinstance(value, Mapping) or depth == _DEPTH:
        return value
    members: dict[str, Any] = {}
    texts: dict[str, list[Any]] = {}
    for key, member in value.items():
        name = str(key).lower()
        stem, _, form = name.partition("_")
        if stem in _TEXTS and isinstance(member, str):
            texts.setdefault(_TEXTS[stem], []).append({"value": member, "contenttype": _FORMS.get(form, form)})
        elif name in _KEYED and isinstance(member, Mapping):
            members[name] = list(_unkeyed(member, *_KEYED[name], depth + 1))
        else:
            members[_RENAMED.get(name, name)] = _newest(member, depth + 1)
    return {**texts, **members}


def _unkeyed(members: Mapping[str, Any], key: str, value: str, depth: int) -> Iterator[Any]:
    for name, member in members.items():
        if value:
            yield {key: name, value: member}
        else:
            yield {key: name, **_newest(member, depth)} if isinstance(member, Mapping) else member


def _in_form(texts: Iterable[_Text], *, html: bool) -> list[_Text]:
    return [text for text in texts if (text.contenttype.partition(";")[0].strip().lower() in _HTML) is html]


def _most(field: str) -> int:
    rule = FIELDS[field]
    assert isinstance(rule, ListOf)
    return rule.most


def _web(uri: str) -> str:
    """A concept's URI may name without being an address; an author's and a source's are links."""
    return uri if uri.lower().startswith(("http://", "https://")) else ""


def _of_role(texts: Iterable[_Text], role: str) -> str:
    """The text of that *role*, else the first one."""
    known = list(texts)
    return next((text.value for text in known if text.role == role), known[0].value if known else "")


def _summary(descriptions: Iterable[_Text]) -> str:
    return _of_role((d for d in descriptions if d.role not in (CORRECTION, CAPTION)), SUMMARY)


def _author(person: _Concept) -> dict[str, str]:
    avatar = next((contact.value for contact in person.contactinfo if contact.role == AVATAR), "")
    return _filled(name=person.label, uri=_web(person.uri), avatar=_web(avatar))


def _sources(ninjs: _Document) -> Iterator[dict[str, str]]:
    for source in ninjs.infosources:
        if source.label:
            yield _filled(name=source.label, uri=_web(source.uri), role=source.role)
    if ninjs.copyrightholder:
        yield {"name": ninjs.copyrightholder, "role": "copyrightHolder"}


def _subjects(ninjs: _Document) -> Iterator[dict[str, str]]:
    """Everything that the news is about; who is in it and of what kind they are is one and the same list to an item."""
    people = [person for person in ninjs.people if person.rel not in (AUTHOR, "creator")]
    for concept in (*ninjs.subjects, *people, *ninjs.organisations, *ninjs.events, *ninjs.objects):
        if concept.rel != TAG and (concept.label or concept.uri):
            yield _filled(name=concept.name or concept.literal, uri=concept.uri)


def _place(place: _Concept) -> dict[str, Any]:
    known: dict[str, Any] = dict(_filled(name=place.label, uri=place.uri))
    match place.geojson:
        # RFC 7946, 3.1.1: longitude first.
        case {"type": "Point", "coordinates": [lon, lat, *_]} | {"geometry": {"type": "Point", "coordinates": [lon, lat, *_]}}:
            known |= {"lon": lon, "lat": lat}
    return known


def _rendition(rendition: _Rendition, associations: Iterable[_Association]) -> dict[str, Any]:
    more = [a for a in associations if a.rel == RENDITION and (a.name, a.uri) == (rendition.name, rendition.href)]
    caption = next((d.value for a in more for d in a.descriptions if d.role == CAPTION), "")
    credit = next((a.by for a in more if a.by), "")
    texts = _filled(contentType=rendition.contenttype, title=rendition.title, caption=caption, credit=credit)
    sizes = {"width": rendition.width, "height": rendition.height}
    return {"name": rendition.name, "href": rendition.href, **texts, **{k: v for k, v in sizes.items() if v is not None}}


def _flags(genres: Iterable[_Concept]) -> dict[str, Any]:
    literals = {genre.literal for genre in genres}
    flags: dict[str, Any] = {flag: True for flag in ("pinned", "keyEvent", "highlight") if FLAG + flag in literals}
    for literal in literals:
        rank = literal.removeprefix(PIN_RANK)
        if rank != literal and rank.isascii() and rank.isdigit():
            flags["pinRank"] = int(rank)
    return flags


def _filled(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}
