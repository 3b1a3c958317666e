"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from livefeed.api.formats.bodies import correction_html, html_body, media_type, title
from livefeed.api.formats.page import Page, Publication
from livefeed.items import Item, Rendition, Tombstone

__all__ = ["MEDIA_TYPE", "NAME", "write"]

NAME = "feed.json"
MEDIA_TYPE = "application/feed+json; charset=utf-8"


def write(page: Page) -> bytes:
    """The page as a JSON Feed."""
    publication = page.publication
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": publication.title,
        "home_page_url": publication.home,
        "feed_url": publication.address(NAME, page.before),
        "description": publication.settings.description,
        "next_url": publication.address(NAME, page.next) if page.next else "",
        "language": publication.settings.language,
        "expired": not publication.settings.open,
        "items": [_item(item, publication) for item in page.items],
        "_livefeed": _filled({"removed": [_removed(t) for t in page.tombstones]}),
    }
    return orjson.dumps(_filled(document, keep=("items",)))


def _item(item: Item, publication: Publication) -> dict[str, Any]:
    picture = next((r for r in item.renditions if r.content_type.startswith("image/")), None)
    content = correction_html(item) + html_body(item)
    entry = {
        "id": item.uri,
        "url": publication.article(item.id),
        "external_url": item.link,
        "title": item.headline,
        "content_html": content,
        # "One or both must be present": a flash is often a headline alone.
        "content_text": "" if content else title(item),
        "summary": item.summary,
        "image": picture.href if picture else "",
        "date_published": item.content_created,
        "date_modified": item.version_created,
        "authors": [_filled({"name": a.name, "url": a.uri, "avatar": a.avatar}) for a in item.authors] or _byline(item),
        "tags": list(item.tags),
        "language": item.language,
        "attachments": [_attachment(r) for r in item.renditions],
        "_livefeed": _extension(item),
    }
    return _filled(entry)


def _byline(item: Item) -> list[dict[str, str]]:
    return [{"name": item.by}] if item.by else []


def _attachment(rendition: Rendition) -> dict[str, Any]:
    # `mime_type` is required; the default for unknown data is a byte stream (RFC 2046, 4.5.1).
    required = {"url": rendition.href, "mime_type": media_type(rendition) or "application/octet-stream"}
    extension = {
        "name": rendition.name,
        "width": rendition.width,
        "height": rendition.height,
        "caption": rendition.caption,
        "credit": rendition.credit,
    }
    return required | _filled({"title": rendition.title, "_livefeed": _filled(extension)})


def _extension(item: Item) -> dict[str, Any]:
    """Fields without an equivalent in JSON Feed. Names that begin with an underscore are extensions."""
    extension = {
        "id": item.id,
        "version": item.version,
        "type": item.type,
        "pubStatus": item.pub_status,
        "urgency": item.urgency,
        "firstCreated": item.first_created,
        "by": item.by,
        "infoSources": msgspec.to_builtins(item.info_sources),
        "located": item.located,
        "places": msgspec.to_builtins(item.places),
        "subjects": msgspec.to_builtins(item.subjects),
        "slugline": item.slugline,
        "embargoedUntil": item.embargoed_until,
        "expires": item.expires,
        "associations": msgspec.to_builtins(item.associations),
        "correction": item.correction,
        "pinned": item.pinned,
        "pinRank": item.pin_rank,
        "keyEvent": item.key_event,
        "highlight": item.highlight,
        "origin": msgspec.to_builtins(item.origin),
    }
    return _filled(extension)


def _removed(tombstone: Tombstone) -> dict[str, Any]:
    return _filled(
        {
            "id": tombstone.uri,
            "date_removed": tombstone.version_created,
            "pubStatus": tombstone.pub_status,
            "reason": tombstone.reason,
        }
    )


def _filled(members: dict[str, Any], keep: tuple[str, ...] = ()) -> dict[str, Any]:
    """*members* without the empty ones: the specification has no null, and an absent member means "not given"."""
    return {name: value for name, value in members.items() if name in keep or value not in ("", None, [], {}, False, ())}
