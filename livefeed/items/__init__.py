"""Items: pieces of news with an identity and versions, with field names from IPTC ninjs 3.1."""

from __future__ import annotations

from livefeed.items.intake import FIELDS, MAX_EVENT, MAX_ITEM, SERVER_FIELDS, check_item, parse_item, unknown_fields
from livefeed.items.model import (
    Association,
    Author,
    InfoSource,
    Item,
    ItemInput,
    ItemType,
    Origin,
    Place,
    PubStatus,
    Rendition,
    Subject,
    Tombstone,
    encode,
)
from livefeed.items.times import parse_time

__all__ = [
    "FIELDS",
    "MAX_EVENT",
    "MAX_ITEM",
    "SERVER_FIELDS",
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
    "check_item",
    "encode",
    "parse_item",
    "parse_time",
    "unknown_fields",
]
