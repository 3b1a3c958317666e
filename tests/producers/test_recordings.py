from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from livefeed.items import parse_item
from producers.recordings import Line, Unknown, read_recording

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def recording(path: Path, *values: Any) -> list[Line]:
    path.write_text("\n".join(value if isinstance(value, str) else json.dumps(value) for value in values) + "\n\n")
    return list(read_recording(path))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording"


def edit(raw: str, **more: Any) -> dict[str, Any]:
    return {"raw": raw, "time": 1795435200000, "channel": "#en.wikipedia", **more}


def test_items_of_our_own(path: Path) -> None:
    one, two = recording(
        path,
        {"headline": "One.", "contentCreated": "2026-11-23T12:00:00Z"},
        {"uri": "urn:x:2", "bodyText": "Two.", "contentCreated": "2026-11-23T13:00:00+01:00"},
    )
    assert one.item["headline"] == "One."
    assert one.item["uri"].startswith("urn:uuid:")
    assert two.item["uri"] == "urn:x:2"
    assert one.time == two.time


def test_edits_of_a_wiki(path: Path) -> None:
    link = "https://en.wikipedia.org/w/index.php?diff=2&oldid=1"
    (line,) = recording(path, edit(f"[[Sea ice]] MB {link} * Ada * (-1234) /* Arctic */ typo"))
    assert line.item == {
        "uri": line.item["uri"],
        "headline": "Sea ice: -1,234 bytes by Ada",
        "bodyText": "/* Arctic */ typo",
        "link": link,
        "tags": ["en.wikipedia", "minor", "bot"],
        "urgency": 8,
        "contentCreated": "2026-11-23T12:00:00.000Z",
    }


@pytest.mark.parametrize("address", ["203.0.113.7", ".203.0.113.7", "2001:db8::7"])
def test_addresses_of_people_are_left_out(path: Path, address: str) -> None:
    (line,) = recording(path, edit(f"[[Sea ice]]  https://x.example/ * {address} * (+1) typo"))
    assert address not in json.dumps(line.item)
    assert "by somebody without an account" in line.item["headline"]


def test_log_entries_of_a_wiki(path: Path) -> None:
    (line,) = recording(path, edit("[[Special:Log/newusers]] create * Ada *  new user account"))
    assert line.item["headline"] == "Special:Log/newusers: create by Ada"
    assert line.item["tags"] == ["en.wikipedia", "create"]
    assert "link" not in line.item


def test_the_same_line_twice_is_two_items_and_the_same_file_twice_is_not(path: Path) -> None:
    lines = [line.item["uri"] for line in recording(path, *[{"headline": "Gong.", "contentCreated": "2026-11-23T12:00:00Z"}] * 2)]
    assert len(set(lines)) == 2
    assert lines == [line.item["uri"] for line in read_recording(path)]


def test_earthquakes_come_in_order_of_time(path: Path) -> None:
    def feature(time: int, magnitude: float | None) -> dict[str, Any]:
        about = {
            "mag": magnitude,
            "place": "At sea",
            "time": time,
            "url": f"https://quakes.example/{time}",
            "title": f"M {magnitude}",
        }
        return {"id": str(time), "properties": {**about, "type": "earthquake"}, "geometry": {"coordinates": [1.5, -2.5, 10]}}

    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature(2000, 7.1), feature(1000, None)]}))
    first, second = read_recording(path)
    assert first.item["contentCreated"] == "1970-01-01T00:00:01.000Z"
    assert second.item["urgency"] == 2
    assert second.item["places"] == [{"name": "At sea", "lat": -2.5, "lon": 1.5}]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{", "line 1 is not JSON"),
        ([1], "line 1 is not a JSON object"),
        ({"title": "x"}, "has no shape that is known"),
        ({"headline": "x"}, "has no contentCreated to be replayed by"),
        ({"raw": "no edit", "time": 1}, "is not in the form of a wiki's recent changes"),
        (edit("[[A]]  * Ada * (+1) x", time=10**17), "is no time in milliseconds"),
        ('{"type": "FeatureCollection", "features": [{}]}', "is not a GeoJSON summary of earthquakes"),
    ],
)
def test_what_cannot_be_replayed_is_told(path: Path, value: Any, said: str) -> None:
    with pytest.raises(Unknown, match=said):
        recording(path, value)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real recordings are not at hand")
@pytest.mark.parametrize(
    ("name", "count"),
    [("wikipedia_edits_raw.jsonl", 1000), ("wikinews_edit_events.jsonl", 104), ("usgs_2.5_week_2016.geojson", 247)],
)
def test_real_recordings(name: str, count: int) -> None:
    lines = list(read_recording(SHARED / name))
    assert len(lines) == len({line.item["uri"] for line in lines}) == count
    for line in lines:
        parse_item(orjson.dumps(line.item), now=int(time.time() * 1000))
