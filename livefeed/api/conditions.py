"""Conditional requests (RFC 9110, section 13)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

__all__ = ["is_settled", "is_unchanged", "last_modified"]

_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def is_settled(changed: int, now: int) -> bool:
    """Whether the second of the last change, at *changed* (ms), is over, so that no other change can have its `Last-Modified`."""
    return (changed // 1000 + 1) * 1000 <= now


def last_modified(changed: int, *, settled: bool) -> str:
    """The `Last-Modified` for the last change at *changed* (ms).

    It has a resolution of seconds, and two changes within one second must not share a value. It is therefore the end of the
    second. While the document is not *settled*, it is the beginning, which no settled document has: nobody is told that a
    document of that time is unchanged.
    """
    return format_datetime(datetime.fromtimestamp(changed // 1000 + settled, UTC), usegmt=True)


def is_unchanged(headers: Mapping[str, str], etag: str, modified: str | None = None) -> bool:
    """Whether a GET or HEAD with these *headers* is answered with 304. *etag* may be weak; *modified* is the settled time."""
    tags = headers.get("if-none-match")
    if tags is not None:
        # 13.1.2: weak comparison; If-Modified-Since is ignored if this header is present.
        return tags.strip() == "*" or etag.removeprefix("W/") in _TAG.findall(tags)
    since = headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        return parsedate_to_datetime(modified) <= _aware(parsedate_to_datetime(since))
    except (ValueError, OverflowError):
        return False  # 13.1.3: an invalid date is ignored


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
