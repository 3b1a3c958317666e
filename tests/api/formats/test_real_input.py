"""Real documents through all formats; skipped where they are not."""

from __future__ import annotations

import json
from calendar import timegm
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest

from livefeed.api.formats import atom, jsonfeed, jsonld, ninjs, rss
from livefeed.items import Item
from livefeed.ninjs import item_input
from tests.api.formats.rules import SHARED, check_atom, check_jsonfeed, check_jsonld, check_rss, ninjs_validator
from tests.api.formats.samples import made, page

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="the real documents are not here")

RSS = sorted(path.name for path in SHARED.glob("rss_*.xml"))

BODY = 30_000
"""Bytes of markup that are taken of a long entry."""


def entries(name: str) -> Iterator[dict[str, Any]]:
    parsed = feedparser.parse((SHARED / name).read_bytes())
    for entry in parsed.entries:
        content = entry.content[0].value if "content" in entry else entry.get("summary", "")
        pictures = [media for media in entry.get("media_content", []) if media.get("url", "").startswith("http")]
        given = {
            "headline": entry.get("title", "")[:280],
            "bodyHtml": content.encode()[:BODY].decode(errors="ignore"),
            "link": entry.get("link", ""),
            "language": parsed.feed.get("language", ""),
            "by": entry.get("author", ""),
            "tags": [tag.term[:60] for tag in entry.get("tags", []) if tag.term][:20],
            "renditions": [{"name": "picture", "href": media["url"]} for media in pictures[:10]],
        }
        if entry.get("published_parsed"):
            moment = datetime.fromtimestamp(timegm(entry.published_parsed), UTC)
            given["contentCreated"] = min(moment, datetime(2026, 11, 23, tzinfo=UTC)).isoformat()
        yield {key: value for key, value in given.items() if value}


def quakes(name: str) -> Iterator[dict[str, Any]]:
    for feature in json.loads((SHARED / name).read_bytes())["features"]:
        lon, lat, _depth = feature["geometry"]["coordinates"]
        properties = feature["properties"]
        yield {
            "headline": properties["title"],
            "type": "event",
            "located": properties["place"],
            "places": [{"name": properties["place"], "lat": lat, "lon": lon}],
            "link": properties["url"],
            "contentCreated": datetime.fromtimestamp(properties["time"] / 1000, UTC).isoformat(),
        }


def json_entries(name: str) -> Iterator[dict[str, Any]]:
    for entry in json.loads((SHARED / name).read_bytes())["items"]:
        yield {"headline": entry["title"], "bodyHtml": entry["content_html"], "link": entry["url"]}


def assert_all_formats_hold(items: list[Item]) -> None:
    made_of = page(*items)
    assert len(check_atom(atom.write(made_of)).findall("{*}entry")) == len(items)
    assert len(check_rss(rss.write(made_of)).findall("channel/item")) == len(items)
    assert len(check_jsonfeed(jsonfeed.write(made_of))["items"]) == len(items)
    assert len(check_jsonld(jsonld.write(made_of))["liveBlogUpdate"]) == len(items)
    validator = ninjs_validator()
    news = json.loads(ninjs.write(made_of))
    assert all(validator.is_valid(one) for one in news)
    for output in (atom.write(made_of), rss.write(made_of)):
        parsed = feedparser.parse(output)
        assert not parsed.bozo
        assert [entry.id for entry in parsed.entries] == [item.uri for item in items]
    # What the server writes as ninjs it takes in again unchanged.
    for one, item in zip(news, items, strict=False):
        again = made(item_input(one))
        assert again.given() == item.given()


@pytest.mark.parametrize("name", RSS)
def test_rss(name: str) -> None:
    items = [made(given, number) for number, given in enumerate(entries(name))]

    assert len(items) >= 10
    assert_all_formats_hold(items)


def test_json_feed() -> None:
    assert_all_formats_hold([made(given, n) for n, given in enumerate(json_entries("jsonfeed_trafilatura.json"))])


def test_earthquakes() -> None:
    items = [made(given, n) for n, given in enumerate(quakes("usgs_2.5_week_2016.geojson"))]

    assert len(items) == 247
    assert_all_formats_hold(items)
