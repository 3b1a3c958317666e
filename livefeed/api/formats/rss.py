"""RSS 2.0 (https://www.rssboard.org/rss-specification), with the modules that its readers know."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from html import escape
from xml.etree.ElementTree import Element

from livefeed.api.formats.bodies import correction_html, html_body, media_type, title
from livefeed.api.formats.page import Page, Publication
from livefeed.api.formats.xml import add, add_where, declared, serialise
from livefeed.items import Item, Rendition

__all__ = ["MEDIA_TYPE", "NAME", "write"]

NAME = "feed.rss"
MEDIA_TYPE = "application/rss+xml; charset=utf-8"


def write(page: Page) -> bytes:
    """The page as an RSS document. Removed items are simply absent."""
    publication = page.publication
    root = Element("rss", {"version": "2.0"} | declared("atom", "content", "dc", "georss", "media"))
    element = add(root, "channel")
    add(element, "title", publication.title)
    add(element, "link", publication.home)
    add(element, "description", publication.settings.description or publication.title)
    if publication.settings.language:
        add(element, "language", publication.settings.language)
    add(element, "lastBuildDate", _rfc822(page.updated))
    add(element, "generator", "Livefeed")
    add(element, "atom:link", rel="self", href=publication.address(NAME, page.before), type="application/rss+xml")
    add(element, "atom:link", rel="first", href=publication.address(NAME), type="application/rss+xml")
    if page.next:
        add(element, "atom:link", rel="next", href=publication.address(NAME, page.next), type="application/rss+xml")
    for item in page.items:
        _item(element, item, publication)
    return serialise(root)


def _item(parent: Element, item: Item, publication: Publication) -> None:
    element = add(parent, "item")
    add(element, "title", title(item))
    add(element, "link", publication.article(item.id))
    add(element, "guid", item.uri, isPermaLink="false")
    add(element, "pubDate", _rfc822(item.content_created))
    add(element, "atom:updated", item.version_created)
    content = correction_html(item) + html_body(item)
    # A description is HTML, so plain text is escaped twice: once as HTML, once as XML.
    description = correction_html(item) + escape(item.summary, quote=False) if item.summary else content
    if description:
        add(element, "description", description)
    if content:
        add(element, "content:encoded", content)
    for name in [author.name for author in item.authors] or ([item.by] if item.by else []):
        add(element, "dc:creator", name)
    for tag in item.tags:
        add(element, "category", tag)
    _extras(element, item)


def _extras(element: Element, item: Item) -> None:
    if item.language:
        add(element, "dc:language", item.language)
    for subject in item.subjects:
        add(element, "dc:subject", subject.name or subject.uri)
    for source in item.info_sources:
        add(element, "dc:source", source.name)
    if item.link:
        add(element, "atom:link", rel="related", href=item.link)
    add_where(element, item)
    for rendition in item.renditions:
        _media(element, rendition)


def _media(element: Element, rendition: Rendition) -> None:
    # Not `enclosure`, which requires the `length` in bytes: it is not known.
    width, height = (str(n) if n else "" for n in (rendition.width, rendition.height))
    content = add(element, "media:content", url=rendition.href, type=media_type(rendition), width=width, height=height)
    if rendition.title:
        add(content, "media:title", rendition.title)
    if rendition.caption:
        add(content, "media:description", rendition.caption)
    if rendition.credit:
        add(content, "media:credit", rendition.credit)


def _rfc822(time: str) -> str:
    return format_datetime(datetime.fromisoformat(time), usegmt=True)
