"""schema.org as JSON-LD: a feed is a LiveBlogPosting, an item a BlogPosting."""

from __future__ import annotations

from typing import Any

import orjson

from livefeed.api.formats.bodies import text_body, title
from livefeed.api.formats.page import Page, Publication
from livefeed.items import Item, Place, Rendition

__all__ = ["MEDIA_TYPE", "NAME", "write", "write_article"]

NAME = "feed.jsonld"
MEDIA_TYPE = "application/ld+json; charset=utf-8"


def write(page: Page) -> bytes:
    """The page as a LiveBlogPosting that can be embedded in a `<script>` element."""
    publication = page.publication
    begin = min((item.content_created for item in page.items), default=page.updated)
    publisher = {"@type": "Organization", "name": publication.title, "url": publication.home}
    document = {
        "@context": "https://schema.org",
        "@type": "LiveBlogPosting",
        "@id": publication.home,
        "url": publication.home,
        "headline": publication.title,
        "description": publication.settings.description,
        "inLanguage": publication.settings.language,
        "datePublished": begin,
        "dateModified": page.updated,
        "coverageStartTime": begin,
        "coverageEndTime": "" if publication.settings.open else page.updated,
        "author": publisher,
        "publisher": publisher,
        "liveBlogUpdate": [_posting(item, publication) for item in page.items],
    }
    return _dumps(_filled(document, keep=("liveBlogUpdate",)))


def write_article(item: Item, publication: Publication) -> bytes:
    """One item as a BlogPosting, for its own page."""
    blog = {"@type": "LiveBlogPosting", "@id": publication.home, "headline": publication.title, "url": publication.home}
    publisher = {"@type": "Organization", "name": publication.title, "url": publication.home}
    posting = {"@context": "https://schema.org"} | _posting(item, publication) | {"isPartOf": blog, "publisher": publisher}
    return _dumps({"mainEntityOfPage": publication.article(item.id)} | posting)


def _posting(item: Item, publication: Publication) -> dict[str, Any]:
    posting = {
        "@type": "BlogPosting",
        "@id": publication.article(item.id),
        "url": publication.article(item.id),
        "identifier": item.uri,
        "version": item.version,
        "headline": title(item),
        "abstract": item.summary,
        "articleBody": text_body(item),
        "datePublished": item.content_created,
        "dateModified": item.version_created,
        "dateCreated": item.first_created,
        "expires": item.expires,
        "inLanguage": item.language,
        "author": [_filled({"@type": "Person", "name": a.name, "url": a.uri, "image": a.avatar}) for a in item.authors]
        or ([{"@type": "Person", "name": item.by}] if item.by else []),
        "creditText": item.by,
        "sourceOrganization": [
            _filled({"@type": "Organization", "name": s.name, "url": s.uri, "description": s.role}) for s in item.info_sources
        ],
        "locationCreated": {"@type": "Place", "name": item.located} if item.located else "",
        "contentLocation": [_place(place) for place in item.places],
        "about": [_filled({"@type": "Thing", "name": s.name, "sameAs": s.uri}) for s in item.subjects],
        "keywords": list(item.tags),
        "alternativeHeadline": item.slugline,
        "isBasedOn": item.link,
        "image": [_picture(r) for r in item.renditions if r.content_type.startswith("image/")],
        "associatedMedia": [_media(r) for r in item.renditions if not r.content_type.startswith("image/")],
        "correction": item.correction,
    }
    return _filled(posting)


def _place(place: Place) -> dict[str, Any]:
    geo = {"@type": "GeoCoordinates", "latitude": place.lat, "longitude": place.lon}
    known = place.lat is not None and place.lon is not None
    return _filled({"@type": "Place", "name": place.name, "sameAs": place.uri, "geo": geo if known else ""})


def _picture(rendition: Rendition) -> dict[str, Any]:
    return {**_media(rendition), "@type": "ImageObject"}


def _media(rendition: Rendition) -> dict[str, Any]:
    media = {
        "@type": "MediaObject",
        "url": rendition.href,
        "name": rendition.name,
        "encodingFormat": rendition.content_type,
        "width": rendition.width,
        "height": rendition.height,
        "description": rendition.title,
        "caption": rendition.caption,
        "creditText": rendition.credit,
    }
    return _filled(media)


def _filled(members: dict[str, Any], keep: tuple[str, ...] = ()) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name in keep or value not in ("", None, [])}


def _dumps(document: dict[str, Any]) -> bytes:
    """JSON that cannot terminate the enclosing `<script>` element, and is valid JavaScript in every browser.

    These characters only occur inside JSON strings, where the escape is equivalent.
    """
    text = orjson.dumps(document)
    for character in "<>&\u2028\u2029":
        text = text.replace(character.encode(), b"\\u%04x" % ord(character))
    return text
