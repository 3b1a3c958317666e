"""The data model of items. Times are RFC 3339 in UTC with milliseconds."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = [
    "Association",
    "Author",
    "InfoSource",
    "Item",
    "ItemInput",
    "ItemType",
    "Origin",
    "Place",
    "PubStatus",
    "Rendition",
    "Subject",
    "Tombstone",
    "encode",
]

PubStatus = Literal["usable", "withheld", "canceled"]
ItemType = Literal["text", "picture", "video", "audio", "event", "composite"]


class _Wire(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """camelCase on the wire; fields with their default value are omitted."""


class Author(_Wire, frozen=True, kw_only=True):
    name: str
    uri: str = ""
    avatar: str = ""


class InfoSource(_Wire, frozen=True, kw_only=True):
    name: str
    uri: str = ""
    role: str = ""


class Place(_Wire, frozen=True, kw_only=True):
    name: str
    uri: str = ""
    lat: float | None = None
    lon: float | None = None


class Subject(_Wire, frozen=True, kw_only=True):
    name: str = ""
    uri: str = ""


class Rendition(_Wire, frozen=True, kw_only=True):
    """An image, video or audio file; `title` is the alternative text."""

    name: str
    href: str
    content_type: str = ""
    width: int | None = None
    height: int | None = None
    title: str = ""
    caption: str = ""
    credit: str = ""


class Association(_Wire, frozen=True, kw_only=True):
    rel: str
    uri: str


class Origin(_Wire, frozen=True, kw_only=True):
    """The origin of an item: who published it, and the document it was read from."""

    producer: str = ""
    feed_url: str = ""
    guid: str = ""
    ingested: str = ""


class ItemInput(_Wire, frozen=True, kw_only=True):
    """An item as submitted, validated and sanitised; empty means "not given"."""

    uri: str = ""
    content_created: str = ""
    # A factory's value is never omitted: these two are always sent to readers.
    type: ItemType = msgspec.field(default_factory=lambda: "text")
    urgency: int = msgspec.field(default_factory=lambda: 5)
    headline: str = ""
    body_text: str = ""
    body_html: str = ""
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
    ed_note: str = ""


class Tombstone(_Wire, frozen=True, kw_only=True):
    """What remains visible of a withheld or canceled item."""

    id: str
    uri: str
    version: int
    pub_status: PubStatus
    content_created: str
    version_created: str
    reason: str = ""


class Item(ItemInput, frozen=True, kw_only=True):
    """The complete current item, as the desk sees it."""

    id: str
    uri: str
    version: int
    pub_status: PubStatus
    first_created: str
    version_created: str
    content_created: str
    origin: Origin | None = None

    def public(self) -> Item:
        """The item as readers see it, without the desk's internal fields."""
        return msgspec.structs.replace(self, ed_note="", draft=False) if self.ed_note or self.draft else self

    def given(self) -> ItemInput:
        """The fields that a producer or editor provides."""
        return ItemInput(**{name: getattr(self, name) for name in ItemInput.__struct_fields__})

    def tombstone(self, reason: str = "") -> Tombstone:
        return Tombstone(
            id=self.id,
            uri=self.uri,
            version=self.version,
            pub_status=self.pub_status,
            content_created=self.content_created,
            version_created=self.version_created,
            reason=reason,
        )


def encode(value: ItemInput | Tombstone) -> bytes:
    """The item as one line of JSON, as sent on every wire."""
    return msgspec.json.encode(value)
