"""Parsing of untrusted JSON: every input results in a value or a clear error."""

from __future__ import annotations

import json
from typing import Any

import orjson

from livefeed.exceptions import BadRequest, TooLarge

__all__ = ["load_json"]


def load_json(body: bytes, *, limit: int, what: str = "the body") -> Any:
    """Parse UTF-8 JSON of at most *limit* bytes, or raise `BadRequest` or `TooLarge` with a sentence that names *what*."""
    if len(body) > limit:
        raise TooLarge(f"{what} has {len(body):,} bytes: {limit:,} are allowed")
    try:
        # orjson rejects what the standard library accepts: NaN, 1e999, UTF-16, lone surrogates, unlimited nesting.
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{what} is not JSON in UTF-8: {error}") from None
    _refuse_duplicate_names(body.decode(), what)
    return value


class _TwiceError(Exception):
    """A member name that one object has twice."""


def _check_names(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        names = set()
        for name, _ in pairs:
            if name in names:
                raise _TwiceError(name)
            names.add(name)


# Made once: to make it takes longer than to read an item.
_decoder = json.JSONDecoder(object_pairs_hook=_check_names)


def _refuse_duplicate_names(text: str, what: str) -> None:
    """Parsers differ on duplicate member names (RFC 8259, section 4); orjson would use the last one."""
    try:
        _decoder.decode(text)
    except _TwiceError as twice:
        raise BadRequest(f"{what} has the member {twice.args[0][:80]!r} twice in one object: give it once") from None
    except (RecursionError, ValueError):
        raise BadRequest(f"{what} is nested too deep or has a number that is too long") from None
