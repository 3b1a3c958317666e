"""Plain text: removing markup, and cutting at word boundaries."""

from __future__ import annotations

import html
import re
import unicodedata

import nh3

__all__ = ["cut", "cut_bytes", "plain"]

# Elements that start a new line must not join two words.
_BREAK = re.compile(r"<(?:br|/?p|/?div|/?li|/?tr|/?h[1-6]|/?blockquote)\b[^>]*>", re.IGNORECASE)


def plain(markup: str) -> str:
    """The text of some HTML, on one line."""
    text = html.unescape(nh3.clean(_BREAK.sub(" ", markup), tags=set()))
    return " ".join(text.split())


def cut(text: str, most: int) -> str:
    """At most *most* characters of *text*, cut at a word with an ellipsis."""
    # NFC, as the server stores it: a few characters become longer by that.
    text = unicodedata.normalize("NFC", text)
    if len(text) <= most:
        return text
    kept = text[: most - 2]
    head, space, _ = kept.rpartition(" ")
    # Text without spaces is cut at the limit.
    return (head if space and len(head) > most // 2 else kept).rstrip() + " …"


def cut_bytes(text: str, most: int) -> str:
    """Like `cut`, but measured in UTF-8 bytes."""
    text = unicodedata.normalize("NFC", text)
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= most:
        return text
    return cut(text, len(encoded[: most - 4].decode("utf-8", "ignore")))
