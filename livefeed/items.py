"""Items: one piece of news with an identity and versions, in the names of IPTC ninjs 3.1."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Association", "Author", "InfoSource", "Item", "Origin", "Place", "PubStatus", "Rendition", "Subject"]

PubStatus = Literal["usable", "withheld", "canceled"]
ItemType = Literal["text", "picture", "video", "audio", "event", "composite"]


class _Wire(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """camelCase on the wire; what has its default value is left out."""


class Author(_Wire, frozen=True):
    name: str
    uri: str = ""
    avatar: str = ""


class InfoSource(_Wire, frozen=True):
    name: str
    uri: str = ""
    role: str = ""


class Place(_Wire, frozen=True):
    name: str
    uri: str = ""
    lat: float | None = None
    lon: float | None = None


class Subject(_Wire, frozen=True):
    name: str = ""
    uri: str = ""


class Rendition(_Wire, frozen=True):
    """A picture, video or sound; `title` is the alternative text."""

    name: str
    href: str
    content_type: str = ""
    width: int | None = None
    height: int | None = None
    title: str = ""
    caption: str = ""
    credit: str = ""


class Association(_Wire, frozen=True):
    rel: str
    uri: str


class Origin(_Wire, frozen=True):
    """Where an item came from: who published it, and the document it was read from."""

    producer: str = ""
    feed_url: str = ""
    guid: str = ""
    ingested: str = ""


class Item(_Wire, frozen=True):
    """The whole current item, as the desk sees it; `public()` leaves out what never leaves the desk.

    Times are RFC 3339 in UTC with milliseconds.
    """

    id: str
    uri: str
    version: int
    pub_status: PubStatus
    first_created: str
    version_created: str
    content_created: str
    type: ItemType = "text"
    headline: str = ""
    body_text: str = ""
    body_html: str = ""
    urgency: int = 5
    language: str = ""
    by: str = ""
    authors: tuple[Author, ...] = ()
    info_sources: tuple[InfoSource, ...] = ()
    located: str = ""
    places: tuple[Place, ...] = ()
    subjects: tuple[Subject, ...] = ()
    tags: tuple[str, ...] = ()
    slugline: str = ""
    summary: str = ""
    link: str = ""
    renditions: tuple[Rendition, ...] = ()
    embargoed_until: str = ""
    expires: str = ""
    associations: tuple[Association, ...] = ()
    correction: str = ""
    draft: bool = False
    pinned: bool = False
    pin_rank: int = 0
    key_event: bool = False
    highlight: bool = False
    origin: Origin | None = None
    ed_note: str = ""
