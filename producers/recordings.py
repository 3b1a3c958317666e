"""Recordings: lines of JSON with timestamps, detected by their structure and converted to items."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast
from uuid import NAMESPACE_URL, uuid5

import orjson

from livefeed import Item
from producers.dates import parse_date, rfc3339
from producers.text import cut

__all__ = ["Line", "Unknown", "read_recording"]


class Unknown(Exception):
    """The file cannot be replayed; the message states the reason in one sentence."""


class Line(NamedTuple):
    """One recorded item and its time."""

    number: int
    time: datetime
    item: Item


def read_recording(path: Path) -> Iterator[Line]:
    """The items of a file in order: Livefeed items, MediaWiki recent changes, or earthquakes. Raises `Unknown`."""
    with path.open("rb") as file:
        beginning = file.read(4096)
    if b'"FeatureCollection"' in beginning:
        yield from _quakes(path)
        return
    with path.open("rb") as file:
        for number, text in enumerate(file, start=1):
            if text.strip():
                yield _line(number, text.strip(), f"{path} line {number}")


def _line(number: int, text: bytes, where: str) -> Line:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Unknown(f"{where} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Unknown(f"{where} is not a JSON object")
    # The line number is part of the identity, because a recording may contain the same line twice.
    name = f"{number} {text.decode('utf-8', 'replace')}"
    uri = f"urn:uuid:{uuid5(NAMESPACE_URL, name)}"
    if isinstance(value.get("raw"), str) and isinstance(value.get("time"), int):
        return _edit(number, value, uri, where)
    if any(name in value for name in ("headline", "bodyText", "bodyHtml")):
        return Line(number, _own_time(value, where), cast("Item", {"uri": uri, **value}))
    raise Unknown(
        f"{where} has no shape that is known: an item has a headline, a bodyText or a bodyHtml; an edit has raw and time"
    )


def _own_time(value: dict[str, Any], where: str) -> datetime:
    time = parse_date(str(value.get("contentCreated", "")))
    if time is None:
        raise Unknown(f"{where} has no contentCreated to be replayed by: give it one such as 2026-11-23T12:00:00Z")
    return time


_EDIT = re.compile(
    r"\[\[(?P<title>.+?)\]\] (?P<flags>\S*) (?P<link>https?://\S+)? ?"
    r"\* (?P<user>.+?) \* (?:\((?P<size>[+-]\d+)\))? ?(?P<comment>.*)",
    re.DOTALL,
)


def _edit(number: int, value: dict[str, Any], uri: str, where: str) -> Line:
    """An event of MediaWiki's recent-changes stream."""
    match = _EDIT.fullmatch(value["raw"])
    if match is None:
        raise Unknown(f"{where} is not in the form of a wiki's recent changes")
    time = _from_ms(value["time"], where)
    said = match.groupdict()
    change = f"{int(said['size']):+,} bytes" if said["size"] else (said["flags"] or "change")
    given: dict[str, Any] = {
        "uri": uri,
        "headline": cut(f"{said['title']}: {change} by {_name(said['user'])}", 300),
        "bodyText": said["comment"].strip(),
        "link": said["link"],
        "tags": _tags(str(value.get("channel", "")), said["flags"]),
        "urgency": 8 if "M" in said["flags"] else 5,
        "contentCreated": rfc3339(time),
    }
    return Line(number, time, cast("Item", {name: kept for name, kept in given.items() if kept}))


def _name(user: str) -> str:
    """Editors without an account are recorded by IP address, which must not be published."""
    try:
        ipaddress.ip_address(user.lstrip("."))
    except ValueError:
        return user
    return "somebody without an account"


def _tags(channel: str, flags: str) -> list[str]:
    words = {"M": "minor", "B": "bot", "N": "new"}
    tags = [words[flag] for flag in flags if flag in words] if flags.isupper() or flags.startswith("!") else [flags]
    return [tag for tag in [channel.lstrip("#"), *tags] if tag]


def _quakes(path: Path) -> Iterator[Line]:
    """A USGS GeoJSON summary, oldest earthquake first."""
    try:
        features = orjson.loads(path.read_bytes())["features"]
        ordered = sorted(features, key=lambda feature: feature["properties"]["time"])
        for number, feature in enumerate(ordered, start=1):
            yield _quake(number, feature, f"{path} feature {feature.get('id')}")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise Unknown(f"{path} is not a GeoJSON summary of earthquakes: {type(error).__name__}: {error}") from None


def _quake(number: int, feature: dict[str, Any], where: str) -> Line:
    said = feature["properties"]
    lon, lat, *_ = feature["geometry"]["coordinates"]
    time = _from_ms(said["time"], where)
    magnitude = float(said["mag"] or 0)
    given: dict[str, Any] = {
        "uri": said["url"],
        "headline": cut(said["title"], 300),
        "link": said["url"],
        "urgency": 2 if magnitude >= 7 else 3 if magnitude >= 6 else 4 if magnitude >= 5 else 5,
        "tags": [said["type"], f"magnitude {int(magnitude)}"],
        "places": [{"name": cut(said["place"] or said["title"], 200), "lat": lat, "lon": lon}],
        "infoSources": [{"name": "USGS", "uri": "https://earthquake.usgs.gov/"}],
        "contentCreated": rfc3339(time),
    }
    return Line(number, time, cast("Item", given))


def _from_ms(ms: int, where: str) -> datetime:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unknown(f"{where}: {ms} is no time in milliseconds since 1970") from None
