"""Sanitising of text and HTML from outside."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import nh3

__all__ = ["LINK_SCHEMES", "Unclean", "clean_html", "clean_line", "clean_text", "has_text"]

LINK_SCHEMES = frozenset({"http", "https", "mailto"})

_TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "blockquote", "pre", "ul", "ol", "li", "dl", "dt", "dd", "figure", "figcaption"),
    *("a", "abbr", "b", "bdi", "cite", "code", "del", "em", "i", "ins", "kbd", "mark", "q", "s", "small", "span", "strong"),
    *("sub", "sup", "time", "u", "wbr", "ruby", "rt", "rp"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
}
# No images: an image in a body would reveal readers to its host. They belong in `renditions`.
_ATTRIBUTES = {
    "*": {"lang", "dir"},
    "a": {"href", "title"},
    "abbr": {"title"},
    "ol": {"start", "reversed"},
    "time": {"datetime"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_GONE_WITH_CONTENT = {"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "textarea", "title", "xmp"}

# C0 and C1 controls except line feed, bidi embeddings, overrides and isolates (displayed text differs from stored text),
# byte order marks, and characters that XML 1.0 cannot represent.
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile("[ \n]+")
_MARKUP = re.compile(r"<(script|style)\b|<!--.*?(?:-->|\Z)|</?[A-Za-z][^<>]*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[A-Za-z][^<>]*>")
_ENDS = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in ("script", "style")}
_ROUNDS = 8
"""How often removal is repeated, because removing markup can create new markup. Headlines do not nest deeper."""


class Unclean(ValueError):
    """Markup that still changes after the maximum number of cleaning rounds."""


def clean_text(text: str) -> str:
    """Multi-line plain text: NFC, all line breaks as line feeds, no invisible characters."""
    if not text.isprintable():  # none of what is removed or replaced here is printable
        text = _UNSEEN.sub("", _BREAKS.sub("\n", text).replace("\t", " "))
    return _composed(text).strip(" \n")


def _composed(text: str) -> str:
    """NFC, of text with bounded runs of combining marks: sorting a run takes quadratic time."""
    return text if text.isascii() else unicodedata.normalize("NFC", _many_marks().sub(r"\1", text))


@cache
def _many_marks() -> re.Pattern[str]:
    # All characters with a combining class are below U+20000; 30 is the limit of stream-safe text (UAX #15, section 13).
    marks = "".join(chr(code) for code in range(0x300, 0x20000) if unicodedata.combining(chr(code)))
    return re.compile(f"([{re.escape(marks)}]{{30}})[{re.escape(marks)}]+")


def clean_line(text: str) -> str:
    """Single-line plain text without markup: many feeds have HTML in titles."""
    text = clean_text(text)
    if text.isascii() and not ("<" in text or "  " in text or "\n" in text):
        return text
    for _ in range(_ROUNDS):  # "<<b>b>" becomes a tag when the inner one is removed
        if (bare := _without_markup(text)) == text:
            break
        text = bare
    else:
        text = text.replace("<", "")
    return _composed(_SPACES.sub(" ", text)).strip(" ")


def _without_markup(text: str) -> str:
    """*text* without tags, comments, and the contents of scripts and styles, in one pass.

    Not a single regular expression, which would search the rest of the text again for each unclosed `<script`.
    """
    kept: list[str] = []
    at = 0
    endless: set[str] = set()
    while (found := _MARKUP.search(text, at)) is not None:
        end = found.end()
        if found[1]:
            end = _end_of_element(text, found, endless)
        kept += [text[at : found.start()]] if end else [text[at : found.end()]]
        at = end or found.end()
    return "".join(kept) + text[at:]


def _end_of_element(text: str, opening: re.Match[str], endless: set[str]) -> int:
    """The end of the script or style, or of its tag if it is unclosed; 0 if it is not a tag."""
    name = opening[1].lower()
    closing = None if name in endless else _ENDS[name].search(text, opening.end())
    if closing is None:
        endless.add(name)
        closing = _TAG.match(text, opening.start())
    return closing.end() if closing else 0


def clean_html(html: str) -> str:
    """HTML with only the allowed tags and links.

    Removing a character or composing two can create new markup ("java\u202escript:", "<p>" and U+0338), so this is repeated
    until nothing changes.
    """
    for _ in range(4):
        cleaned = _cleaner.clean(clean_text(html))
        if cleaned == html:
            return html
        html = cleaned
    raise Unclean


def _absolute_links(_tag: str, attribute: str, value: str) -> str | None:
    """A relative link would have a different target on every page that shows the item."""
    if attribute != "href":
        return value
    scheme, colon, _ = value.strip().partition(":")
    return value.strip() if colon and scheme.lower() in LINK_SCHEMES else None


def has_text(html: str) -> bool:
    return bool(_without_markup(html).replace("&nbsp;", "").strip())


# Created once: it costs as much as cleaning a paragraph.
_cleaner = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=_GONE_WITH_CONTENT,
    attributes=_ATTRIBUTES,
    attribute_filter=_absolute_links,
    url_schemes=set(LINK_SCHEMES),
    link_rel="noopener noreferrer",
)
