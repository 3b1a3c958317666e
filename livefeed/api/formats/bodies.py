"""Bodies: an item's text as plain text or HTML, converted if needed."""

from __future__ import annotations

import html
import re

import nh3

from livefeed.items import Item, Rendition

__all__ = ["correction_html", "html_body", "media_type", "plain", "text_body", "title"]

MAX_TITLE = 120
"""Characters of the body that are used as a missing headline: about one line in a feed reader."""

_BLOCK_END = re.compile(r"</(?:p|div|li|h[1-6]|blockquote|tr|pre|figcaption|dd|dt)\s*>|<br\s*/?>", re.IGNORECASE)
# RFC 6838, 4.2, and parameters.
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][\w!#$&^.+-]*/[A-Za-z0-9][\w!#$&^.+-]*(?:\s*;.*)?", re.ASCII)
_PARAGRAPHS = re.compile(r"\n\s*\n")


def plain(markup: str) -> str:
    """The text of *markup*; blocks end in a line break."""
    text = html.unescape(nh3.clean(_BLOCK_END.sub(r"\g<0>" + "\n", markup), tags=set()))
    return "\n".join(line for line in (" ".join(line.split()) for line in text.split("\n")) if line)


def text_body(item: Item) -> str:
    """The body as plain text; empty when the item is only a headline."""
    return item.body_text or (plain(item.body_html) if item.body_html else "")


def html_body(item: Item) -> str:
    """The body as HTML; empty when the item is only a headline."""
    if item.body_html or not item.body_text:
        return item.body_html
    paragraphs = (html.escape(p.strip(), quote=False) for p in _PARAGRAPHS.split(item.body_text) if p.strip())
    return "".join("<p>" + p.replace("\n", "<br>") + "</p>" for p in paragraphs)


def correction_html(item: Item) -> str:
    """The labelled correction that precedes the body: feed readers show the content and little else."""
    if not item.correction:
        return ""
    return f"<p><strong>Correction:</strong> {html.escape(item.correction, quote=False)}</p>"


def title(item: Item) -> str:
    """The headline, or the beginning of the body on one line."""
    if item.headline:
        return item.headline
    text = " ".join(text_body(item).split())
    return text if len(text) <= MAX_TITLE else text[: MAX_TITLE - 1].rstrip() + "…"


def media_type(rendition: Rendition) -> str:
    """The media type, or "" if it is invalid: some producers write "jpg"."""
    return rendition.content_type if _MEDIA_TYPE.fullmatch(rendition.content_type) else ""
