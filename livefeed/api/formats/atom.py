"""Atom (RFC 4287), paged by RFC 5005, with the tombstones of RFC 6721."""

from __future__ import annotations

from urllib.parse import quote
from xml.etree.ElementTree import Element

from livefeed.api.formats.bodies import correction_html, html_body, media_type, title
from livefeed.api.formats.page import Page, Publication
from livefeed.api.formats.xml import NAMESPACES, add, add_where, declared, serialise
from livefeed.items import Item, Tombstone

__all__ = ["FLAG", "MEDIA_TYPE", "NAME", "RELATION", "SUBJECT", "URGENCY", "write"]

NAME = "feed.atom"
MEDIA_TYPE = "application/atom+xml; charset=utf-8"

# Atom has no urgency and no flags, but a category may come from any scheme: every reader keeps them.
FLAG = "urn:x-livefeed:flag"
URGENCY = "urn:x-livefeed:urgency"
SUBJECT = "urn:x-livefeed:subject"
# RFC 4287, 4.2.7.2: a relation that is not registered is an IRI.
RELATION = "urn:x-livefeed:rel:"


def write(page: Page) -> bytes:
    """The page as an Atom feed document."""
    publication = page.publication
    root = Element("feed", {"xmlns": NAMESPACES["atom"]} | declared("at", "dc", "fh", "georss"))
    if publication.settings.language:
        root.set("xml:lang", publication.settings.language)
    # The feed's identity is its address without a page: all pages are one logical feed (RFC 5005, 3).
    add(root, "id", publication.address(NAME))
    add(root, "title", publication.title)
    if publication.settings.description:
        add(root, "subtitle", publication.settings.description)
    add(root, "updated", page.updated)
    add(add(root, "author"), "name", publication.title)
    add(root, "generator", "Livefeed")
    add(root, "link", rel="alternate", href=publication.home, type="text/html")
    add(root, "link", rel="self", href=publication.address(NAME, page.before), type="application/atom+xml")
    add(root, "link", rel="first", href=publication.address(NAME), type="application/atom+xml")
    if page.next:
        add(root, "link", rel="next", href=publication.address(NAME, page.next), type="application/atom+xml")
    if page.complete:
        add(root, "fh:complete")
    for tombstone in page.tombstones:
        _deleted(root, tombstone)
    for item in page.items:
        _entry(root, item, publication)
    return serialise(root)


def _deleted(root: Element, tombstone: Tombstone) -> None:
    deleted = add(root, "at:deleted-entry", ref=tombstone.uri, when=tombstone.version_created)
    if tombstone.reason:
        add(deleted, "at:comment", tombstone.reason)


def _entry(root: Element, item: Item, publication: Publication) -> None:
    entry = add(root, "entry", xml_lang=item.language)
    add(entry, "id", item.uri)
    add(entry, "title", title(item))
    add(entry, "published", item.content_created)
    add(entry, "updated", item.version_created)
    if item.summary:
        add(entry, "summary", item.summary)
    content = correction_html(item) + html_body(item)
    if content:
        add(entry, "content", content, type="html")
    _people(entry, item)
    _links(entry, item, publication)
    _categories(entry, item)
    for source in item.info_sources:
        add(entry, "dc:source", source.name)
    add_where(entry, item)


def _people(entry: Element, item: Item) -> None:
    for author in item.authors:
        person = add(entry, "author")
        add(person, "name", author.name)
        if author.uri:
            add(person, "uri", author.uri)
    if item.by and not item.authors:
        add(add(entry, "author"), "name", item.by)


def _links(entry: Element, item: Item, publication: Publication) -> None:
    add(entry, "link", rel="alternate", href=publication.article(item.id), type="text/html")
    if item.link:
        add(entry, "link", rel="related", href=item.link)
    for rendition in item.renditions:
        add(entry, "link", rel="enclosure", href=rendition.href, type=media_type(rendition), title=rendition.title)
    for association in item.associations:
        add(entry, "link", rel=RELATION + quote(association.rel, safe=""), href=association.uri)


def _categories(entry: Element, item: Item) -> None:
    for tag in item.tags:
        add(entry, "category", term=tag)
    for subject in item.subjects:
        add(entry, "category", term=subject.uri or subject.name, scheme=SUBJECT, label=subject.name)
    add(entry, "category", term=str(item.urgency), scheme=URGENCY)
    for flag, is_set in (("pinned", item.pinned), ("keyEvent", item.key_event), ("highlight", item.highlight)):
        if is_set:
            add(entry, "category", term=flag, scheme=FLAG)
