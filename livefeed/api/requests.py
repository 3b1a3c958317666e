"""Parts of a request that endpoints need: caller, body, preconditions."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from starlette.requests import ClientDisconnect, Request

from livefeed.api import conditions
from livefeed.exceptions import BadRequest, TooLarge, UnsupportedMediaType
from livefeed.grants import Authority, Caller
from livefeed.jsondoor import load_json

__all__ = ["JSON", "authority_of", "caller_of", "expected_version", "is_unchanged", "media_type", "read_body", "read_json"]

JSON = "application/json"


def caller_of(request: Request) -> Caller:
    caller: Caller = request.scope.get("livefeed.caller", Caller.ANONYMOUS)
    return caller


def authority_of(request: Request) -> Authority | None:
    authority: Authority | None = request.scope.get("livefeed.authority")
    return authority


_CHARSET = re.compile(r'charset\s*=\s*"?([^\s";]+)', re.IGNORECASE)


def media_type(request: Request, allowed: Collection[str]) -> str:
    """The media type of the body, which must be one of *allowed*, in UTF-8 and not compressed."""
    given = request.headers.get("content-type", "")
    kind, _, parameters = given.partition(";")
    kind = kind.strip().lower()
    if kind not in allowed:
        raise UnsupportedMediaType(f"{given[:80]!r} is not a supported media type: send {' or '.join(allowed)}")
    charset = _CHARSET.search(parameters) if parameters else None
    if charset and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"the charset {charset[1][:40]!r} is not supported: send UTF-8")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("compressed bodies are not supported: send it uncompressed")
    return kind


async def read_body(request: Request, limit: int, what: str = "the body") -> bytes:
    """The body, of at most *limit* bytes; a larger one is rejected as early as possible."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and len(announced) < 20 and int(announced) > limit:
        raise TooLarge(f"{what} has {int(announced):,} bytes: {limit:,} are allowed")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise TooLarge(f"{what} has more than {limit:,} bytes, which are allowed")
    except ClientDisconnect:
        raise BadRequest("the connection ended before the body was complete") from None
    return bytes(body)


async def read_json(
    request: Request, limit: int, allowed: Collection[str] = (JSON,), what: str = "the body", *, optional: bool = False
) -> Any:
    """The parsed body, or None when there is none at all.

    With *optional*, an empty one is none: many clients send the same Content-Type with every request.
    """
    body = await read_body(request, limit, what)
    if not body and (optional or "content-type" not in request.headers):
        return None
    media_type(request, allowed)
    return load_json(body, limit=limit, what=what)


_LARGEST = 2**53


def expected_version(request: Request) -> int | None:
    """The version that `If-Match` requires; None for any.

    An item has one current version, so lists of them are rejected.
    """
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    match = re.fullmatch(r'(?:W/)?"([0-9]{1,16})"', given.strip(), re.ASCII)
    if match is None or not 0 < int(match[1]) < _LARGEST:
        raise BadRequest(f'If-Match is {given[:40]!r}: give the version of the item in quotes, such as "3"')
    return int(match[1])


def is_unchanged(request: Request, etag: str) -> bool:
    """Whether *request* is answered with 304 while its resource has *etag*."""
    return conditions.is_unchanged(request.headers, etag)
