"""The start position in a reader's request."""

from __future__ import annotations

import re
from dataclasses import dataclass

from livefeed.cursors import BadCursor, Cursor
from livefeed.exceptions import BadRequest
from livefeed.items import parse_time
from livefeed.queries import Query
from livefeed.reader import After, FromNow, Newest, Start, Unknown

__all__ = ["MAX_LAST", "PARAMETERS", "Since", "parse_since", "read_start"]

MAX_LAST = 200
"""Items in a snapshot."""

PARAMETERS = ("after", "since", "last", "tag", "urgency")

_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Since:
    """From the first event appended at *ms* (since the epoch) or later; the log determines the position."""

    ms: int


def parse_since(text: str, now: int) -> Since:
    """A time (RFC 3339), or how long ago: `90s`, `15m`, `2h`, `1d`. *now* in ms since the epoch."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return Since(max(now - int(ago[1]) * _SECONDS[ago[2]] * 1_000, 0))
    try:
        ms = parse_time(text)
    except ValueError:
        raise BadRequest(
            f"since={text[:40]!r} is no time: write one as 2026-11-23T12:00:00Z, or how long ago as 15m or 2h"
        ) from None
    if ms > now:
        raise BadRequest(f"since={text[:40]!r} is in the future")
    return Since(ms)


def read_start(query: Query, last_event_ids: list[str], now: int) -> tuple[Start | Since, int | None]:
    """The start position, and the number of items in a snapshot or reset (None: not given).

    The first one given applies: `Last-Event-ID`, `after`, `since`, `last`. A browser's EventSource does not reconnect after an
    error status, so a malformed `Last-Event-ID` is not an error but an unknown position.
    """
    after, since = query.one("after"), query.one("since")
    position = Cursor.parse(after) if after is not None else None
    moment = parse_since(since, now) if since is not None else None
    last = query.integer("last", 0, MAX_LAST)
    named = [value for value in last_event_ids if value]
    if named:
        return _resume(named), last
    if position is not None:
        return After(position), last
    if moment is not None:
        return moment, last
    return (FromNow() if last is None else Newest(last)), last


def _resume(named: list[str]) -> Start:
    try:
        (text,) = named
        return After(Cursor.parse(text))
    except (ValueError, BadCursor):
        return Unknown("unknown")
