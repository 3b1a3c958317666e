"""Syndication documents: RSS, Atom and JSON Feed, parsed into a common form.

This runs in a separate process (`producers.parsing`), because a hostile or broken document can make any parser exceed the
producer's resources.
"""

from __future__ import annotations

import io
import re
import time
from typing import Any
from xml.sax import SAXException, handler

import defusedxml.sax
import feedparser
import msgspec
import orjson
from defusedxml import DefusedXmlException

from producers.dates import parse_date, rfc3339
from producers.text import plain

__all__ = ["Channel", "Entry", "Image", "Unreadable", "read"]

MAX_ENTRIES = 2_000


class Unreadable(Exception):
    """No entries can be read from the document; the message states the reason in one sentence."""


class Image(msgspec.Struct, frozen=True):
    href: str
    type: str = ""
    width: int | None = None
    height: int | None = None
    title: str = ""


class Entry(msgspec.Struct, frozen=True):
    """One entry as in the document, before cutting and validation."""

    guid: str
    link: str
    title: str
    html: str
    text: str
    summary: str
    date: str
    """As in the document."""
    published: str | None
    """The same in RFC 3339, if it can be parsed."""
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    language: str
    images: tuple[Image, ...]


class Channel(msgspec.Struct, frozen=True):
    title: str
    link: str
    language: str
    entries: tuple[Entry, ...]


def read(body: bytes, *, url: str, content_type: str) -> Channel:
    """The entries of a document in order. Raises `Unreadable`."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _json_feed(body)
    _refuse_bombs(body)
    body, content_type = _decodable(body, content_type)
    headers = {"content-type": content_type, "content-location": url}
    parsed = feedparser.parse(io.BytesIO(_REFERENCE.sub(_possible, body)), response_headers=headers)
    if not parsed.entries and not parsed.get("version"):
        raise Unreadable("is neither RSS nor Atom nor JSON Feed, and holds no entries")
    channel = parsed.feed
    return Channel(
        title=_title(channel),
        link=str(channel.get("link", "")),
        language=str(channel.get("language", "")),
        entries=tuple(_entry(entry) for entry in parsed.entries[:MAX_ENTRIES]),
    )


_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']""")
_MARKED = re.compile(rb"\A(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)|\A[^>]{0,3}\0")


def _decodable(body: bytes, content_type: str) -> tuple[bytes, str]:
    """The document and its media type, in UTF-8 unless it is in an encoding that it states.

    Without one, feedparser asks chardet where that happens to be installed, and the same document reads differently.
    """
    stated = _CHARSET.search(content_type)
    declared = _DECLARED.search(body)
    encodings = ([stated[1]] if stated else []) + ([declared[1].decode("ascii")] if declared else [])
    if _MARKED.search(body) or any(_is_in(body, encoding) for encoding in encodings):
        return body, content_type
    if not _is_in(body, "utf-8"):
        # What the web's browsers assume (WHATWG Encoding); its five unused bytes become U+FFFD.
        body = body.decode("windows-1252", "replace").encode()
    return body, f"{content_type.partition(';')[0] or 'application/xml'}; charset=utf-8"


def _is_in(body: bytes, encoding: str) -> bool:
    try:
        body.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


_ENTITY = re.compile(rb"<!\s*ENTITY", re.IGNORECASE)
_FIRST_ELEMENT = re.compile(rb"<[A-Za-z_]")


def _refuse_bombs(body: bytes) -> None:
    """Reject entity declarations: XML bombs and external inclusions need them, feeds do not."""
    try:
        # A reference to an external DTD is allowed: RSS 0.91 has one, and it is not fetched.
        defusedxml.sax.parseString(body, handler.ContentHandler(), forbid_entities=True, forbid_external=False)
    except DefusedXmlException as error:
        raise Unreadable(f"declares entities, which could make it grow without bound: {type(error).__name__}") from None
    except (SAXException, ValueError, LookupError):
        # Not well-formed: feedparser falls back to a tolerant parser, which reads entity declarations before the first element.
        # Without NUL bytes, ASCII in UTF-16 and UTF-32 becomes visible.
        head = body.replace(b"\0", b"")
        first = _FIRST_ELEMENT.search(head)
        if _ENTITY.search(head[: first.start()] if first else head):
            raise Unreadable("declares entities, which could make it grow without bound") from None


_REFERENCE = re.compile(rb"&#(?:[xX]([0-9A-Fa-f]+)|([0-9]+));?")


def _possible(reference: re.Match[bytes]) -> bytes:
    """The reference, if the character exists: feedparser fails on a reference to an unpaired surrogate."""
    digits, base = (reference[1], 16) if reference[1] else (reference[2], 10)
    code = int(digits, base) if len(digits) <= 8 else 0
    good = 0 < code < 0xD800 or 0xDFFF < code <= 0x10FFFF
    return reference[0] if good else b"&#xFFFD;"


def _entry(entry: Any) -> Entry:
    contents = [content for content in entry.get("content", ()) if content.get("value")]
    summary = str(entry.get("summary", ""))
    html = max((str(content.value) for content in contents), key=len, default="")
    date = next((str(entry[name]) for name in ("published", "updated", "created") if entry.get(name)), "")
    return Entry(
        guid=str(entry.get("id", "")),
        link=str(entry.get("link", "")),
        title=_title(entry),
        html=html if len(html) >= len(summary) else summary,
        text="",
        summary=plain(summary) if len(html) >= len(summary) else "",
        date=date,
        published=_published(entry, date),
        authors=tuple(str(author["name"]) for author in entry.get("authors", ()) if author.get("name")),
        tags=tuple(str(tag["term"]) for tag in entry.get("tags", ()) if tag.get("term")),
        language=str(entry.get("title_detail", {}).get("language") or ""),
        images=tuple(_images(entry)),
    )


def _title(element: Any) -> str:
    title = str(element.get("title", ""))
    # Only content declared as markup is parsed as markup: "a < b" in plain text is not a tag.
    return title if element.get("title_detail", {}).get("type") == "text/plain" else plain(title)


def _published(entry: Any, date: str) -> str | None:
    if (ours := parse_date(date)) is not None:
        return rfc3339(ours)
    # feedparser knows rarer forms, but guesses ambiguous numbers; numeric dates are parsed here, or not at all.
    parsed: time.struct_time | None = entry.get("published_parsed") or entry.get("updated_parsed")
    if parsed is None or date[:1].isdigit():
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", parsed)


def _images(entry: Any) -> list[Image]:
    found: dict[str, Image] = {}
    for media in [*entry.get("media_content", ()), *entry.get("enclosures", ()), *entry.get("media_thumbnail", ())]:
        href = str(media.get("url") or media.get("href") or "")
        kind = str(media.get("type") or "")
        if href and (kind.startswith("image/") or media.get("medium") == "image" or media in entry.get("media_thumbnail", ())):
            found.setdefault(href, Image(href, kind, _number(media.get("width")), _number(media.get("height"))))
    return list(found.values())


def _number(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def _json_feed(body: bytes) -> Channel:
    try:
        feed = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"is not JSON: {error}") from None
    version = feed.get("version") if isinstance(feed, dict) else None
    if not isinstance(version, str) or not version.startswith(("https://jsonfeed.org/version/", "http://jsonfeed.org/version/")):
        raise Unreadable("is JSON, but no JSON Feed: its version does not say https://jsonfeed.org/version/…")
    items = feed.get("items")
    if not isinstance(items, list):
        raise Unreadable("is a JSON Feed without a list of items")
    return Channel(
        title=_text(feed, "title"),
        link=_text(feed, "home_page_url"),
        language=_text(feed, "language"),
        entries=tuple(_json_item(item) for item in items[:MAX_ENTRIES] if isinstance(item, dict)),
    )


def _json_item(item: dict[str, Any]) -> Entry:
    date = _text(item, "date_published") or _text(item, "date_modified")
    time_said = parse_date(date)
    people = item.get("authors") or [item.get("author")]
    images = [Image(href) for name in ("image", "banner_image") if (href := _text(item, name))]
    return Entry(
        guid=_text(item, "id"),
        link=_text(item, "url") or _text(item, "external_url"),
        title=_text(item, "title"),
        html=_text(item, "content_html"),
        text=_text(item, "content_text"),
        summary=_text(item, "summary"),
        date=date,
        published=None if time_said is None else rfc3339(time_said),
        authors=tuple(name for person in people if isinstance(person, dict) and (name := _text(person, "name"))),
        tags=tuple(tag for tag in item.get("tags") or () if isinstance(tag, str)),
        language=_text(item, "language"),
        images=tuple(images[:1]),
    )


def _text(value: dict[str, Any], name: str) -> str:
    # JSON Feed 1.1 on ids: a number must be coerced to a string.
    found = value.get(name)
    return str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) else ""
