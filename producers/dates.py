"""Dates in feeds: RFC 3339, RFC 822 in several languages, and common variants of both."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

__all__ = ["parse_date", "rfc3339"]

# Prefixes of month names, folded; longer where three letters are ambiguous within a language.
_MONTHS: dict[str, int] = {
    name: number
    for number, names in enumerate(
        [
            "jan ene gen janv янв led sty",
            "feb fev fevr фев lut",
            "mar mrz mrt мар brez",
            "apr abr avr апр kwi dub",
            "may mai mei mag maj мая май kve",
            "jun juin giu июн cze",
            "jul juil lug июл lip",
            "aug ago aou авг sie srp",
            "sep set сен wrz zar",
            "oct okt out ott окт paz rij",
            "nov ноя lis",
            "dec dez dic des дек gru pro",
        ],
        start=1,
    )
    for name in names.split()
}

_ZONES = {
    "z": 0,
    "ut": 0,
    "utc": 0,
    "gmt": 0,
    "wet": 0,
    "bst": 1,
    "west": 1,
    "cet": 1,
    "mez": 1,
    "cest": 2,
    "mesz": 2,
    "eet": 2,
    "eest": 3,
    "msk": 3,
    "jst": 9,
    "brt": -3,
    "est": -5,
    "edt": -4,
    "cst": -6,
    "cdt": -5,
    "mst": -7,
    "mdt": -6,
    "pst": -8,
    "pdt": -7,
}

_TIME = r"(?:[ ,T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?\s*(?P<half>[ap]\.?m\.?(?![a-z]))?)?"
_ZONE = r"\s*(?P<zone>(?:gmt|utc|ut)?\s*[+-]\d{1,2}:?(?:\d{2})?|[a-z]{1,4})?"
_SHAPES = [
    re.compile(pattern + _TIME + _ZONE + r"\s*(?:\([^)]*\))?", re.IGNORECASE)
    for pattern in (
        # Year first: always year, month, day.
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
        # RFC 822: the name of the day may be in any language, and is ignored.
        r"(?:[^\W\d]+\.?,?\s*)?(?P<day>\d{1,2})\.?(?:\s+de)?[\s-]+(?P<name>[^\W\d]+)\.?(?:\s+de)?[\s-]+(?P<year>\d{4}|\d{2})",
        r"(?:[^\W\d]+\.?,\s*)?(?P<name>[^\W\d]+)\.?\s+(?P<day>\d{1,2}),?\s+(?P<year>\d{4})",
    )
]


def parse_date(text: str) -> datetime | None:
    """The time in *text*, in UTC; None if there is none, or if it is ambiguous.

    `03/04/2026` is ambiguous. A time without a zone is interpreted as UTC.
    """
    text = " ".join(text.split())
    for shape in _SHAPES:
        match = shape.fullmatch(text)
        if match is not None:
            try:
                return _time(match.groupdict())
            except (ValueError, OverflowError):
                return None
    return None


def rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time(said: dict[str, str | None]) -> datetime:
    month = int(said["month"] or 0) if "month" in said else _month(said["name"] or "")
    year = int(said["year"] or 0)
    if year < 100:
        year += 2000 if year < 70 else 1900  # RFC 2822, 4.3, as commonly implemented
    hour = int(said["hour"] or 0)
    if half := said["half"]:
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    second = min(int(said["second"] or 0), 59)  # Python has no leap seconds
    zone = timezone(_offset(said["zone"] or ""))
    return datetime(year, month, int(said["day"] or 0), hour, int(said["minute"] or 0), second, tzinfo=zone).astimezone(UTC)


def _month(name: str) -> int:
    folded = "".join(c for c in unicodedata.normalize("NFD", name.casefold()) if not unicodedata.combining(c))
    # NFD removes the breve from й: "май" is in the table in its original form.
    for form in (name.casefold(), folded):
        for length in (4, 3):
            if (month := _MONTHS.get(form[:length])) is not None:
                return month
    raise ValueError(f"{name!r} is no month")


def _offset(zone: str) -> timedelta:
    zone = zone.strip().lower()
    if not zone:
        return timedelta()
    if zone in _ZONES:
        return timedelta(hours=_ZONES[zone])
    match = re.fullmatch(r"(?:gmt|utc|ut)?\s*([+-])(\d{1,2}):?(\d{2})?", zone)
    if match is None:
        raise ValueError(f"{zone!r} is no zone")
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    return -offset if match[1] == "-" else offset
