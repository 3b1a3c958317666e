"""Feeds: their names and settings."""

from __future__ import annotations

import re

import msgspec

from livefeed.exceptions import BadRequest

__all__ = ["FeedSettings", "Retention", "check_feed_name"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def check_feed_name(name: str) -> str:
    """Return *name* if it is a valid feed name, else raise `BadRequest`. Names appear in Redis keys, URLs and log lines."""
    if _NAME.fullmatch(name) is None:
        raise BadRequest(
            f"{name[:80]!r} is not a feed name: use 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit"
        )
    return name


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a feed keeps: *events*, *age* (seconds) and *bytes* bound its log, *items* its items."""

    events: int = 100_000
    age: int = 7 * 86_400
    bytes: int = 256 * 1024 * 1024
    items: int = 100_000


class FeedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The settings of a feed. Items can be published only while it is *open*; reading needs no credential if it is *public*."""

    title: str = ""
    description: str = ""
    language: str = ""
    home_page: str = ""
    open: bool = True
    public: bool = True
    retention: Retention = Retention()
