"""Conversion of feed entries to items: identity, dates, and size limits."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import orjson

from livefeed import Item
from producers.dates import parse_date, rfc3339
from producers.syndication import Channel, Entry, Image
from producers.text import cut, cut_bytes, plain

__all__ = ["digest", "editorial_time", "identity", "item"]

MAX_BODY = 24 * 1024
"""Bytes. An event may have 64 KiB, and JSON escapes some characters to two or more."""

_OLDEST = timedelta(days=30)
_NEWEST = timedelta(minutes=5)

# Characters that are not allowed in a URL: delimiters, and characters that are invisible or misleading.
_UNSAFE = r"\s\x00-\x20\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff<>\"\\^`{|}"
_ABSOLUTE = re.compile(
    rf"(?:https?://[^{_UNSAFE}/]+|tag:[^{_UNSAFE},]+,[^{_UNSAFE}:]+:|urn:[A-Za-z0-9][A-Za-z0-9-]{{1,31}}:)[^{_UNSAFE}]+"
)
_ADDRESS = re.compile(rf"[^{_UNSAFE}]+")
# RFC 5646 without extensions and private use, which news feeds do not need.
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?")


def identity(entry: Entry, url: str) -> str:
    """The uri of an entry of the feed at *url*: from its guid, else its link, else its title and date.

    A guid that is not a URI is only unique within its feed, so the generated uri includes the feed's URL.
    """
    name = entry.guid or entry.link
    if _ABSOLUTE.fullmatch(name) and len(name) <= 512:
        return name
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{url}#{name or _fingerprint(entry)}')}"


def _fingerprint(entry: Entry) -> str:
    return hashlib.sha256(f"{entry.title}\0{entry.date}".encode("utf-8", "replace")).hexdigest()


def editorial_time(entry: Entry, now: datetime) -> tuple[str, str]:
    """The `contentCreated`, and a note for the desk if it is estimated.

    Unparsable or implausible dates are replaced by *now*: feeds contain wrong years, and local times labelled as UTC.
    """
    said = parse_date(entry.published or "")
    if said is not None and now - _OLDEST <= said <= now + _NEWEST:
        return rfc3339(min(said, now)), ""
    return rfc3339(now), f"The time is estimated: the document says {entry.date[:200] or 'none'}."


def item(entry: Entry, channel: Channel, url: str) -> Item:
    """The item without its time."""
    headline = cut(" ".join(entry.title.split()), 300) if _says(entry.title) else ""
    given: dict[str, Any] = {
        "uri": identity(entry, url),
        "headline": headline,
        **_body(entry),
        "summary": cut(plain(entry.summary), 500),
        "link": _link(entry.link),
        "language": _language(entry.language) or _language(channel.language),
        "by": cut(", ".join(entry.authors), 200),
        "tags": _tags(entry.tags),
        "infoSources": _source(channel),
        "renditions": [_rendition(image, headline) for image in entry.images[:10] if _link(image.href)],
    }
    if not any(given.get(name) for name in ("headline", "bodyText", "bodyHtml")):
        given["headline"] = cut(next((name for name in (entry.link, entry.guid) if _says(name)), "(no title)"), 300)
    return cast("Item", {name: value for name, value in given.items() if value})


def digest(given: Item) -> str:
    """A digest that identifies the version of an entry; the time is not part of it."""
    return hashlib.sha256(orjson.dumps(given, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _body(entry: Entry) -> dict[str, str]:
    if not _says(entry.html):
        return {"bodyText": cut_bytes(entry.text, MAX_BODY)} if _says(entry.text) else {}
    if len(entry.html.encode("utf-8", "replace")) <= MAX_BODY:
        return {"bodyHtml": entry.html}
    return {"bodyText": cut_bytes(plain(entry.html), MAX_BODY)}


def _says(text: str) -> bool:
    """Whether *text* is non-empty after removing markup and invisible characters, as the server does."""
    return any(c.isprintable() and not c.isspace() for c in plain(text))


def _link(text: str) -> str:
    text = text.strip()
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return ""
    return text if good and len(text) <= 2048 and _ADDRESS.fullmatch(text) else ""


def _language(text: str) -> str:
    text = text.strip().replace("_", "-")
    return text if _LANGUAGE.fullmatch(text) else ""


def _tags(tags: tuple[str, ...]) -> list[str]:
    found: dict[str, str] = {}
    for tag in tags:
        tag = unicodedata.normalize("NFC", " ".join(tag.split()))
        if len(tag) <= 64 and _says(tag):
            found.setdefault(tag.casefold(), tag)
    return list(found.values())[:20]


def _source(channel: Channel) -> list[dict[str, str]]:
    name = cut(channel.title.strip(), 100)
    return [{"name": name, **({"uri": link} if (link := _link(channel.link)) else {})}] if _says(name) else []


def _rendition(image: Image, headline: str) -> dict[str, Any]:
    given = {
        "name": "main",
        "href": _link(image.href),
        "contentType": image.type[:100],
        "width": _pixels(image.width),
        "height": _pixels(image.height),
        # A fallback alternative text, so that screen reader users know what the image belongs to.
        "title": cut(image.title or headline, 500),
    }
    return {name: value for name, value in given.items() if value}


def _pixels(count: int | None) -> int | None:
    return count if count is not None and 0 < count <= 100_000 else None
