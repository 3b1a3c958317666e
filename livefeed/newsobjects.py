"""IPTC ninjs news objects: JSON documents of version 1, 2 or 3, with the names of the newest version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from livefeed.exceptions import FieldError, Invalid

__all__ = ["Association", "Concept", "Labelled", "NewsObject", "Rendition", "Text", "read_news_object"]

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


class Text(msgspec.Struct, frozen=True):
    value: str
    role: str = ""
    contenttype: str = ""


class Labelled(msgspec.Struct, frozen=True):
    role: str = ""
    value: str = ""


class Concept(msgspec.Struct, frozen=True):
    name: str = ""
    literal: str = ""
    uri: str = ""
    rel: str = ""
    role: str = ""
    contactinfo: tuple[Labelled, ...] = ()
    geojson: dict[str, Any] | None = None

    @property
    def label(self) -> str:
        return self.name or self.literal or self.uri


class Rendition(msgspec.Struct, frozen=True):
    name: str
    href: str = ""
    contenttype: str = ""
    title: str = ""
    width: int | None = None
    height: int | None = None


class Association(msgspec.Struct, frozen=True):
    name: str = ""
    rel: str = ""
    uri: str = ""
    by: str = ""
    descriptions: tuple[Text, ...] = ()


class NewsObject(msgspec.Struct, frozen=True):
    """The members that an item has fields for, in lower case: versions 1 and 2 have no capitals."""

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
    headlines: tuple[Text, ...] = ()
    bodies: tuple[Text, ...] = ()
    descriptions: tuple[Text, ...] = ()
    people: tuple[Concept, ...] = ()
    organisations: tuple[Concept, ...] = ()
    objects: tuple[Concept, ...] = ()
    events: tuple[Concept, ...] = ()
    subjects: tuple[Concept, ...] = ()
    places: tuple[Concept, ...] = ()
    infosources: tuple[Concept, ...] = ()
    genres: tuple[Concept, ...] = ()
    altids: tuple[Labelled, ...] = ()
    renditions: tuple[Rendition, ...] = ()
    associations: tuple[Association, ...] = ()


def read_news_object(document: Mapping[str, Any]) -> NewsObject:
    """*document*, of any version; `Invalid` when a member has the wrong type."""
    try:
        return msgspec.convert(_newest(document), NewsObject)
    except msgspec.ValidationError as exc:
        detail, _, path = str(exc).partition(" - at `$")
        pointer = path.rstrip("`").replace("[", "/").replace("]", "").replace(".", "/")
        raise Invalid(FieldError(pointer, "type", f"ninjs member {pointer or '/'}: {detail}")) from exc


def _newest(value: Any, depth: int = 0) -> Any:
    """*value* with the names of the newest version, in lower case, and arrays instead of the keyed objects of version 1."""
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
