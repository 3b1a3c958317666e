"""Query parameters, read strictly: a misspelt filter must not become no filter."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from urllib.parse import parse_qsl

from livefeed.exceptions import BadRequest
from livefeed.filters import MAX_TAG, Filter, fold_tag

__all__ = ["Query"]

MAX_TAGS = 20


class Query:
    """The parameters of one request: only *known* ones, each once but for `tag`, all of which count."""

    __slots__ = ("_values",)

    def __init__(self, query_string: bytes, known: Collection[str]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in _pairs(query_string) if query_string else ():
            if name not in known:
                raise BadRequest(_unknown(name, known))
            if name in self._values and name != "tag":
                raise BadRequest(f"the parameter {name!r} is given twice: give it once")
            self._values.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def one(self, name: str) -> str | None:
        return self._values[name][0] if name in self._values else None

    def choice(self, name: str, values: Collection[str]) -> str | None:
        """One of *values*, or None when it was not given."""
        value = self.one(name)
        if value is not None and value not in values:
            raise BadRequest(f"{name}={value[:40]!r} is not one of {', '.join(values)}")
        return value

    def integer(self, name: str, least: int, most: int) -> int | None:
        """A whole number from *least* to *most*, or None when it was not given."""
        text = self.one(name)
        if text is None:
            return None
        # isdecimal() alone takes digits of every script, int() also "1_000".
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
            raise BadRequest(f"{name}={text[:40]!r} is not a whole number from {least} to {most}")
        return int(text)

    def only(self) -> Filter:
        """What `tag` and `urgency` ask for."""
        tags = self._values.get("tag", [])
        if len(tags) > MAX_TAGS:
            raise BadRequest(f"{len(tags)} tags are given: at most {MAX_TAGS} are allowed")
        for tag in tags:
            if not 1 <= len(tag.strip()) <= MAX_TAG:
                raise BadRequest(f"tag={tag[:80]!r} has {len(tag)} characters: 1 to {MAX_TAG} are allowed")
        return Filter(frozenset(map(fold_tag, tags)), self.integer("urgency", 1, 9))


def _pairs(query_string: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=200
        )
    except ValueError:
        raise BadRequest("the query is not percent-encoded UTF-8, or has more than 200 parameters") from None


def _unknown(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"{name[:80]!r} is not a parameter here: did you mean {near[0]!r}?"
    return f"{name[:80]!r} is not a parameter here: " + (f"known are {', '.join(known)}" if known else "none is known")
