"""Rules for single values: validate and sanitise, or state what is expected. Each rule also describes itself as JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from livefeed.events import rfc3339
from livefeed.exceptions import FieldError, Invalid
from livefeed.items.cleaning import Unclean, clean_html, clean_line, clean_text
from livefeed.items.times import parse_time

__all__ = [
    "Choice",
    "Flag",
    "Html",
    "Integer",
    "Language",
    "Link",
    "Number",
    "Rule",
    "Schema",
    "Text",
    "Time",
    "Uri",
    "broken",
    "kind",
]

Schema = dict[str, Any]

MAX_TAGS = 4_000
"""Maximum number of tags in one HTML value. Parsing deeply nested lists takes quadratic time."""


class Rule(Protocol):
    def check(self, value: object, at: str) -> Any:
        """The value as it is stored, or `Invalid` with pointers that begin with *at*."""

    def schema(self) -> Schema: ...


def broken(at: str, rule: str, detail: str) -> Invalid:
    return Invalid(FieldError(at, rule, f"{at[1:] or 'the body'}: {detail}"))


def _string(value: object, at: str) -> str:
    if not isinstance(value, str):
        raise broken(at, "type", f"must be text, not {kind(value)}")
    if not value.isascii() and not _encodable(value):
        raise broken(at, "unicode", "has half of a surrogate pair, which is no character")
    return value


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def kind(value: object) -> str:
    match value:
        case None:
            return "null (leave the field out instead)"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "an object"
        case _:
            return "a list"


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text of 0 or *least* to *most* characters, counted after cleaning; *lines*: may have more than one line."""

    most: int
    least: int = 0
    lines: bool = False

    def check(self, value: object, at: str) -> str:
        given = _string(value, at)
        # Removing markup takes quadratic time in the worst case, so it is only done for short lines.
        text = given if len(given) > 4 * self.most + 1000 else (clean_text if self.lines else clean_line)(given)
        if not self.least <= len(text) <= self.most:
            few = f"{self.least} to {self.most:,}" if self.least else f"at most {self.most:,}"
            raise broken(at, "length", f"has {len(text):,} characters: {few} are allowed")
        return text

    def schema(self) -> Schema:
        # No maxLength: markup and invisible characters are removed before the characters are counted.
        least = {"minLength": self.least} if self.least else {}
        return {"type": "string", **least, "description": f"Plain text, at most {self.most:,} characters after cleaning."}


@dataclass(frozen=True, slots=True)
class Html:
    """HTML of at most *most* bytes after cleaning."""

    most: int

    def check(self, value: object, at: str) -> str:
        given = _string(value, at)
        if (tags := given.count("<")) > MAX_TAGS:
            raise broken(at, "html", f"has {tags:,} tags: {MAX_TAGS:,} are allowed")
        try:
            html = clean_html(given)
        except Unclean:
            raise broken(at, "html", "is markup that changes each time it is cleaned: send it simpler") from None
        if (size := len(html.encode())) > self.most:
            raise broken(at, "length", f"has {size:,} bytes after cleaning: {self.most:,} are allowed")
        return html

    def schema(self) -> Schema:
        return {
            "type": "string",
            "description": f"HTML, sanitised by the server; at most {self.most:,} bytes of UTF-8 after that.",
        }


@dataclass(frozen=True, slots=True)
class Integer:
    least: int
    most: int

    def check(self, value: object, at: str) -> int:
        # JSON has a single number type: 3.0 is an integer (JSON Schema 2020-12, section 6.1.1).
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        if isinstance(whole, bool) or not isinstance(whole, int):
            raise broken(at, "type", f"must be a whole number, not {kind(value) if not isinstance(value, float) else value}")
        if not self.least <= whole <= self.most:
            raise broken(at, "range", f"must be from {self.least} to {self.most}")
        return whole

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Number:
    least: float
    most: float

    def check(self, value: object, at: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise broken(at, "type", f"must be a number, not {kind(value)}")
        if not self.least <= value <= self.most:
            raise broken(at, "range", f"must be from {self.least:g} to {self.most:g}")
        return float(value)

    def schema(self) -> Schema:
        return {"type": "number", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Flag:
    def check(self, value: object, at: str) -> bool:
        if not isinstance(value, bool):
            raise broken(at, "type", f"must be true or false, not {kind(value)}")
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Choice:
    values: tuple[str, ...]

    def check(self, value: object, at: str) -> str:
        if (text := _string(value, at)) not in self.values:
            raise broken(at, "choice", f"{text[:40]!r} is not one of {', '.join(self.values)}")
        return text

    def schema(self) -> Schema:
        return {"type": "string", "enum": list(self.values)}


_BLANK = re.compile(r"[\s\x00-\x20\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff<>\"\\^`{|}]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")
_SCRIPTED = frozenset({"javascript", "vbscript", "data", "blob", "file", "about"})


@dataclass(frozen=True, slots=True)
class Uri:
    """An absolute URI used as an identifier, which is not meant to be followed."""

    most: int = 512

    def check(self, value: object, at: str) -> str:
        text = _string(value, at).strip()
        if not 1 <= len(text) <= self.most:
            raise broken(at, "length", f"has {len(text):,} characters: 1 to {self.most} are allowed")
        if _BLANK.search(text) or _SCHEME.match(text) is None or text.partition(":")[0].lower() in _SCRIPTED:
            raise broken(at, "uri", f"{text[:60]!r} is not an absolute URI such as https://…, tag:… or urn:…")
        return text

    def schema(self) -> Schema:
        return {"type": "string", "minLength": 1, "maxLength": self.most, "pattern": "^[A-Za-z][A-Za-z0-9+.-]*:."}


@dataclass(frozen=True, slots=True)
class Link:
    """An `http` or `https` URL that readers may follow."""

    most: int = 2048

    def check(self, value: object, at: str) -> str:
        text = _string(value, at).strip()
        if len(text) > self.most:
            raise broken(at, "length", f"has {len(text):,} characters: at most {self.most:,} are allowed")
        try:
            parts = urlsplit(text)
            # User information before the host ("https://bank.example@evil.example") is misleading.
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        except ValueError:
            good = False
        if not good or _BLANK.search(text):
            raise broken(
                at, "link", f"{text[:60]!r} is not a web address: it must begin with http:// or https:// and name a host"
            )
        return text

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": self.most, "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/]"}


@dataclass(frozen=True, slots=True)
class Time:
    """A time with an offset, stored in UTC with milliseconds."""

    def check(self, value: object, at: str) -> str:
        text = _string(value, at)
        try:
            ms = parse_time(text)
        except ValueError:
            raise broken(
                at,
                "time",
                f"{text[:40]!r} is not a time with its offset, such as 2026-11-23T12:00:00Z or 2026-11-23T13:00:00+01:00",
            ) from None
        if not 0 <= ms < _YEAR_10000:
            raise broken(at, "range", f"{text[:40]!r} is not between the years 1970 and 9999")
        return rfc3339(ms)

    def schema(self) -> Schema:
        return {"type": "string", "format": "date-time"}


_YEAR_10000 = 253_402_300_800_000

# RFC 5646, section 2.1, without irregular grandfathered tags.
_LANGUAGE = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?|x(?:-[a-z0-9]{1,8})+",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Language:
    most: int = 35

    def check(self, value: object, at: str) -> str:
        text = _string(value, at)
        if len(text) > self.most or _LANGUAGE.fullmatch(text) is None:
            raise broken(at, "language", f"{text[:40]!r} is not a language tag of BCP 47, such as en, de-AT or zh-Hant")
        return text

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": self.most, "description": "BCP 47", "examples": ["en", "de-AT"]}
