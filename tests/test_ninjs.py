"""ninjs in: every version's names, and back what was written."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livefeed.api.formats import ninjs as writer
from livefeed.exceptions import Invalid
from livefeed.items import Item, ItemInput, parse_item
from livefeed.ninjs import item_input, pub_status
from tests.api.formats.rules import SHARED, ninjs_validator
from tests.api.formats.samples import FULL, NOW, page

GIVEN = ItemInput.__struct_fields__


def written(item: Item) -> dict[str, Any]:
    return dict(json.loads(writer.write(page(item)))[0])


def taken_in(news: dict[str, Any], before: Item) -> Item:
    """The item that a server makes of *news*, with the server's own fields of *before*."""
    fields = parse_item(item_input(news), now=NOW)
    return msgspec.structs.replace(before, **{name: getattr(fields, name) for name in GIVEN})


def test_full_item_comes_back_identical() -> None:
    news = written(FULL)
    again = taken_in(news, FULL)

    assert again == FULL.public()
    assert written(again) == news


@pytest.mark.parametrize("field", GIVEN)
def test_each_field_comes_back_alone(field: str) -> None:
    """No field needs another one to survive the way."""
    bare = Item(
        id="01bare",
        uri="tag:news.example,2026:bare",
        version=1,
        pub_status="usable",
        headline="Headline",
        first_created=FULL.first_created,
        version_created=FULL.version_created,
        content_created=FULL.content_created,
    )
    item = msgspec.structs.replace(bare, **{field: getattr(FULL, field)}).public()

    assert taken_in(written(item), item) == item


VERSION_1 = {
    "uri": "http://news.example/items/1",
    "type": "text",
    "pubstatus": "usable",
    "versioncreated": "2026-11-23T10:00:00+01:00",
    "embargoed": "2026-11-23T11:00:00Z",
    "urgency": 3,
    "headline": "Old headline",
    "headline_html": "<b>Old headline</b>",
    "description_text": "Old summary",
    "body_text": "Old text",
    "body_xhtml": "<p>Old markup</p>",
    "ednote": "For the desk",
    "usageterms": "Not for archives",
    "copyrightholder": "The Agency",
    "person": [{"name": "A. Writer", "rel": "author"}, {"name": "A. Politician", "rel": "about"}],
    "organisation": [{"name": "A Company", "uri": "urn:org:1"}],
    "place": [{"name": "Here", "geometry_geojson": {"type": "Point", "coordinates": [17.1, 48.1]}}, {"rel": "nameless"}],
    "subject": [{"literal": "economy"}],
    "infosource": [{"name": "A Source", "uri": "urn:source:1"}],
    "altids": {"link": "https://news.example/1"},
    "renditions": {"preview": {"href": "https://news.example/1.jpg", "mimetype": "image/jpeg", "width": 640}},
    "associations": {"story": {"uri": "http://news.example/items/0", "type": "text", "headline": "Before"}},
}


def test_version_1_names_are_understood() -> None:
    item = item_input(VERSION_1)

    assert item["uri"] == "http://news.example/items/1"
    assert item["contentCreated"] == "2026-11-23T10:00:00+01:00"
    assert item["embargoedUntil"] == "2026-11-23T11:00:00Z"
    assert (item["headline"], item["bodyText"], item["bodyHtml"]) == ("Old headline", "Old text", "<p>Old markup</p>")
    assert item["summary"] == "Old summary"
    assert item["edNote"] == "For the desk\nNot for archives"
    assert item["authors"] == [{"name": "A. Writer"}]
    assert [subject["name"] for subject in item["subjects"]] == ["economy", "A. Politician", "A Company"]
    assert item["infoSources"] == [{"name": "A Source"}, {"name": "The Agency", "role": "copyrightHolder"}]
    assert item["places"] == [{"name": "Here", "lon": 17.1, "lat": 48.1}]
    assert item["link"] == "https://news.example/1"
    assert item["renditions"] == [
        {"name": "preview", "href": "https://news.example/1.jpg", "contentType": "image/jpeg", "width": 640}
    ]
    assert item["associations"] == [{"rel": "story", "uri": "http://news.example/items/0"}]
    parse_item(item, now=NOW)


def test_version_2_names_are_understood() -> None:
    news = {
        "uri": "http://news.example/items/2",
        "contentcreated": "2026-11-23T10:00:00Z",
        "headlines": [{"role": "short", "value": "Short"}, {"role": "main", "value": "Main"}],
        "bodies": [{"contenttype": "text/html; charset=utf-8", "value": "<p>Markup</p>"}],
        "infosources": [{"name": "A Source", "uri": "https://source.example/"}],
        "altids": [{"role": "link", "value": "https://news.example/2"}],
    }

    assert item_input(news) == {
        "uri": "http://news.example/items/2",
        "contentCreated": "2026-11-23T10:00:00Z",
        "headline": "Main",
        "bodyHtml": "<p>Markup</p>",
        "infoSources": [{"name": "A Source", "uri": "https://source.example/"}],
        "link": "https://news.example/2",
    }


def test_title_stands_in_only_for_an_item_without_words() -> None:
    assert item_input({"uri": "urn:x:1", "title": "Title"})["headline"] == "Title"
    assert "headline" not in item_input({"uri": "urn:x:1", "title": "Title", "body_text": "Body"})


def test_subjects_are_as_many_as_an_item_may_have() -> None:
    news = {"uri": "urn:x:1", "headline": "H", "person": [{"name": f"Person {n}"} for n in range(50)], "subject": [{"name": "S"}]}
    item = parse_item(item_input(news), now=NOW)

    assert len(item.subjects) == 20
    assert item.subjects[0].name == "S"


@pytest.mark.parametrize(
    ("news", "status"),
    [({}, "usable"), ({"pubStatus": "canceled"}, "canceled"), ({"pubstatus": "stat:withheld"}, "withheld")],
)
def test_pub_status_is_told(news: dict[str, Any], status: str) -> None:
    assert pub_status(news) == status


@pytest.mark.parametrize(
    ("news", "pointer"),
    [
        ({"uri": 5}, "/uri"),
        ({"headlines": "x"}, "/headlines"),
        ({"bodies": [{"value": "a"}, {"value": None}]}, "/bodies/1/value"),
        ({"urgency": "high"}, "/urgency"),
        ({"renditions": {"a": "x"}}, "/renditions/0"),
        ({"places": [{"geoJSON": []}]}, "/places/0/geojson"),
    ],
    ids=str,
)
def test_member_of_the_wrong_type_is_told_with_its_place(news: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as caught:
        item_input(news)

    assert [error.pointer for error in caught.value.errors] == [pointer]


MEMBERS = [*VERSION_1, *written(FULL), "title", "body_html", "geojson", "geometry", "value", "coordinates"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.just("Point"),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(MEMBERS) | st.text(), inner),
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(MEMBERS), JSON))
def test_any_object_is_read_or_told_to_be_wrong(news: dict[str, Any]) -> None:
    with suppress(Invalid):
        parse_item(item_input(news), now=NOW)


def test_deep_object_does_not_exhaust_the_stack() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"places": [deep]}

    assert item_input({"uri": "urn:x:1", "title": "Title", "unknown": deep})["headline"] == "Title"


def test_place_of_a_feature_is_its_point() -> None:
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [17.5, 48.25, 100.0]}}

    assert item_input({"places": [{"name": "P", "geoJSON": feature}]})["places"] == [{"name": "P", "lon": 17.5, "lat": 48.25}]


@pytest.mark.skipif(not SHARED.exists(), reason="the sample is not here")
def test_agency_sample_goes_through() -> None:
    """A text of IPTC's own: taken in, given out, and the same when it is taken in again."""
    news = json.loads((SHARED / "ninjs31_complex_text.json").read_text(encoding="utf-8"))
    item = taken_in(news, FULL)
    out = written(item)

    assert ninjs_validator().is_valid(out)
    assert out["uri"] == news["uri"]
    assert out["headlines"][0]["value"] == news["headlines"][0]["value"]
    assert out["bodies"][0]["value"] == news["bodies"][0]["value"]
    assert {place["name"] for place in out["places"]} == {"Grossetto", "Tuscany", "Italy"}
    assert {subject["name"] for subject in out["subjects"]} == {"Francesco Schettino", "Costa Crociere SpA"}
    assert taken_in(out, item) == item.public()
