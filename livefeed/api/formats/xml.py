"""Helpers for writing XML feeds."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, tostring

from livefeed.items import Item

__all__ = ["NAMESPACES", "add", "add_where", "declared", "serialise"]

NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "at": "http://purl.org/atompub/tombstones/1.0",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "fh": "http://purl.org/syndication/history/1.0",
    "georss": "http://www.georss.org/georss",
    "media": "http://search.yahoo.com/mrss/",
}

# XML 1.0, 2.2 "Char": other characters cannot be represented, not even as references, and are omitted.
_IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def declared(*prefixes: str) -> dict[str, str]:
    """The attributes that bind *prefixes*.

    Names are written with their prefix, because ElementTree's registry of prefixes is global to the process.
    """
    return {f"xmlns:{prefix}": NAMESPACES[prefix] for prefix in prefixes}


def add(parent: Element, name: str, text: str = "", **attributes: str) -> Element:
    """Append an element; an attribute that is empty is left out, `xml_lang` is `xml:lang`."""
    given = {key.replace("_", ":"): _possible(value) for key, value in attributes.items() if value}
    element = SubElement(parent, name, given)
    if text:
        element.text = _possible(text)
    return element


def add_where(parent: Element, item: Item) -> None:
    """The item's location in GeoRSS, which allows one name and one point."""
    if item.located:
        add(parent, "georss:featurename", item.located)
    for place in item.places:
        if place.lat is not None and place.lon is not None:
            add(parent, "georss:point", f"{place.lat} {place.lon}")
            break


def serialise(root: Element) -> bytes:
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _possible(text: str) -> str:
    return _IMPOSSIBLE.sub("", text)
