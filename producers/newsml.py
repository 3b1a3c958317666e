"""Reading NewsML-G2: converts a text item. Packages, planning items and pictures are not supported."""

from __future__ import annotations

from html import escape
from typing import Any, cast
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from livefeed import Item
from producers.dates import parse_date, rfc3339

__all__ = ["NotNewsML", "read_newsml"]

_G2 = "{http://iptc.org/std/nar/2006-10-01/}"
_MEDIA_TOPIC = "http://cv.iptc.org/newscodes/mediatopic/"

_TAGS = {"hl2": "h3", "q": "blockquote", "bq": "blockquote"}
_KEPT = frozenset(
    {"p", "ul", "ol", "li", "em", "strong", "b", "i", "br", "a", "blockquote", "h2", "h3", "h4", "table", "tr", "td"}
)


class NotNewsML(Exception):
    """The document contains no item that can be read; the message states the reason in one sentence."""


def read_newsml(body: bytes) -> tuple[Item, str]:
    """The item of a `newsItem`, and its status: usable, withheld or canceled. Raises `NotNewsML`."""
    try:
        root = defusedxml.ElementTree.fromstring(body)
    except (ParseError, ValueError, DefusedXmlException) as error:
        raise NotNewsML(f"is not usable XML: {error or type(error).__name__}") from None
    if root.tag != f"{_G2}newsItem" or not root.get("guid"):
        raise NotNewsML("is not NewsML-G2: its root is not a newsItem with a guid")
    item_meta, content = (_part(root, name) for name in ("itemMeta", "contentMeta"))
    given: dict[str, Any] = {
        "uri": root.get("guid"),
        "headline": _text(content, "headline")[:300] or _text(item_meta, "title")[:300],
        **_body(root),
        "urgency": _urgency(_text(content, "urgency")),
        "language": _attribute(content, "language", "tag"),
        "by": _text(content, "by")[:200],
        "authors": [{"name": name[:100]} for name in _names(content, "creator")][:10],
        "infoSources": [{"name": name[:100]} for name in _names(content, "infoSource")][:10],
        "located": next(iter(_names(content, "located")), "")[:200],
        "subjects": [_subject(subject) for subject in content.findall(f"{_G2}subject")][:20],
        "slugline": _text(content, "slugline")[:100],
        "contentCreated": _time(_text(content, "contentCreated")),
        "embargoedUntil": _time(_text(item_meta, "embargoed")),
        "edNote": _text(item_meta, "edNote")[:2000],
        "correction": "This item has been corrected." if _is_correction(item_meta) else "",
    }
    status = _attribute(item_meta, "pubStatus", "qcode").rpartition(":")[2] or "usable"
    return cast("Item", {name: value for name, value in given.items() if value}), status


def _part(root: Element, name: str) -> Element:
    found = root.find(f"{_G2}{name}")
    return Element(name) if found is None else found


def _text(parent: Element, name: str) -> str:
    found = parent.find(f"{_G2}{name}")
    return "" if found is None else " ".join("".join(found.itertext()).split())


def _attribute(parent: Element, name: str, attribute: str) -> str:
    found = parent.find(f"{_G2}{name}")
    return "" if found is None else found.get(attribute, "")


def _names(parent: Element, name: str) -> list[str]:
    named = (_text(element, "name") or element.get("literal", "") for element in parent.findall(f"{_G2}{name}"))
    return [name for name in named if name]


def _subject(subject: Element) -> dict[str, str]:
    scheme, _, code = subject.get("qcode", "").partition(":")
    uri = subject.get("uri") or (f"{_MEDIA_TOPIC}{code}" if scheme == "medtop" else "")
    named = {"name": _text(subject, "name")[:200] or code, "uri": uri}
    return {name: value for name, value in named.items() if value}


def _urgency(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text) <= 9 else None


def _time(text: str) -> str:
    time = parse_date(text)
    return "" if time is None else rfc3339(time)


def _is_correction(item_meta: Element) -> bool:
    return any(signal.get("qcode") == "sig:correction" for signal in item_meta.findall(f"{_G2}signal"))


def _body(root: Element) -> dict[str, str]:
    """The text, from inline NITF or XHTML, or plain."""
    for data in root.iterfind(f"{_G2}contentSet/{_G2}inlineData"):
        if data.get("contenttype", "text/plain") == "text/plain" and data.text:
            return {"bodyText": data.text.strip()}
    for inline in root.iterfind(f"{_G2}contentSet/{_G2}inlineXML"):
        named = {_local(element): element for element in inline.iter()}
        # NITF has its text in body.content, XHTML in body.
        if (body := named.get("body.content", named.get("body"))) is not None:
            return {"bodyHtml": _html(body)}
    return {}


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _html(element: Element) -> str:
    """The element's content as HTML without namespaces; the server sanitises it."""
    pieces = [escape(element.text or "", quote=False)]
    for child in element:
        name = _TAGS.get(_local(child), _local(child))
        inner = _html(child)
        if name in _KEPT:
            href = f' href="{escape(child.get("href", ""))}"' if name == "a" else ""
            inner = "<br>" if name == "br" else f"<{name}{href}>{inner}</{name}>"
        pieces += [inner, escape(child.tail or "", quote=False)]
    return "".join(pieces).strip() if _local(element).startswith("body") else "".join(pieces)
