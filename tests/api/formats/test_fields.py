"""The table of fields: each says where it stands, and there it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import msgspec
import pytest
from defusedxml.ElementTree import fromstring

from livefeed.api.formats.fields import EACH, FEED, FORMATS, ITEM, Row, insert
from livefeed.api.formats.xml import NAMESPACES
from livefeed.items import Item
from tests.api.formats.samples import FULL, WRITERS, page

DOCUMENT = Path(__file__).parents[3] / "docs" / "formats.md"
XML = "{http://www.w3.org/XML/1998/namespace}"

FORMS = {
    "id": {"01itemid", "https://feeds.example/read/world/01itemid"},
    "contentCreated": {FULL.content_created, "Mon, 23 Nov 2026 09:30:00 GMT"},
    "places[].lat": {"48.25", "48.25 17.5"},
    "places[].lon": {"17.5", "48.25 17.5"},
    "pinned": {"True", "pinned"},
    "keyEvent": {"True", "keyEvent"},
    "highlight": {"True", "highlight"},
    "pinRank": {"613", "livefeed:pinRank:613"},
    "associations[].rel": {"follows", "urn:x-livefeed:rel:follows"},
}
"""What a field's value may look like where a format writes it in its own way."""

CONTENT = {
    "bodyText": "Body in plain text",
    "bodyHtml": "<p>Body in <em>markup</em></p>",
    "correction": "Correction sentence",
    "summary": "Summary sentence",
}
"""Fields that may stand inside a longer text."""


CARRIED = [pytest.param(row, name, id=f"{row.field}-{name}") for row in ITEM for name in FORMATS if row.place(name)]
LEFT_OUT = [pytest.param(row, name, id=f"{row.field}-{name}") for row in ITEM for name in FORMATS if not row.place(name)]
OF_FEED = [pytest.param(row, name, id=f"{row.field}-{name}") for row in FEED for name in FORMATS if row.place(name)]

UNTOLD = 4
"""Characters: a shorter value (`2`, `text`) may stand anywhere by chance."""


def json_places(value: Any, path: str) -> Iterator[Any]:
    """What stands at *path* in a JSON document."""
    if path == "":
        yield value
        return
    match = re.match(r"\.?([^.\[]*)(\[([^\]]*)\])?", path)
    assert match is not None
    rest = path[match.end() :]
    if match[1]:
        if not isinstance(value, dict) or match[1] not in value:
            return
        value = value[match[1]]
    if match[2] is None:
        yield from json_places(value, rest)
        return
    name, _, wanted = match[3].partition("=")
    for member in value:
        if not name or member.get(name) == wanted:
            yield from json_places(member, rest)


def xml_places(root: Element, path: str, default: str) -> Iterator[str]:
    """What stands at *path*, an XPath whose last step may be an attribute."""
    steps, _, attribute = path.rpartition("@") if "/@" in path or path.startswith("@") else (path, "", "")
    steps = steps.rstrip("/")
    names = {"": default, **NAMESPACES} if default else dict(NAMESPACES)
    for element in root.findall(steps, names) if steps else [root]:
        text = element.get(attribute.replace("xml:", XML)) if attribute else element.text
        if text:
            yield text


def places(output: bytes, name: str, path: str) -> list[str]:
    if name in ("atom", "rss"):
        return list(xml_places(fromstring(output), path, NAMESPACES["atom"] if name == "atom" else ""))
    return [str(value) for value in json_places(json.loads(output), path)]


def values(field: str) -> list[str]:
    """The values that the full item has in *field*."""
    return [str(value) for value in json_places(msgspec.to_builtins(FULL), field + ("[]" if field == "tags" else ""))]


def written(name: str, field: str) -> bytes:
    # A body given as HTML is shown as such: the text is looked for in an item that has no other.
    item = msgspec.structs.replace(FULL, body_html="") if field == "bodyText" else FULL
    if field == "bodyHtml":
        item = msgspec.structs.replace(FULL, body_text="")
    return bytes(WRITERS[name].write(page(item)))


def test_every_field_of_an_item_has_a_row() -> None:
    rows = {row.field.split("[")[0].split(".")[0] for row in ITEM}

    assert rows == {field.encode_name for field in msgspec.structs.fields(Item)}
    assert all(values(row.field) for row in ITEM if row.field != "draft"), "the full item misses a field"


@pytest.mark.parametrize(("row", "name"), CARRIED)
def test_field_stands_where_the_table_says(row: Row, name: str) -> None:
    found = places(written(name, row.field), name, EACH[name] + row.place(name))

    if row.field == "bodyHtml" and name == "jsonld":
        assert found == ["Body in markup"]
    elif row.field in CONTENT:
        assert any(CONTENT[row.field] in text for text in found), found
    else:
        wanted = values(row.field)
        assert all(FORMS.get(row.field, {value}) & set(found) for value in wanted), (wanted, found)


@pytest.mark.parametrize(("row", "name"), LEFT_OUT)
def test_field_without_a_place_is_not_in_the_output(row: Row, name: str) -> None:
    output = written(name, row.field).decode()

    for value in values(row.field):
        assert len(value) <= UNTOLD or value not in output


@pytest.mark.parametrize(("row", "name"), OF_FEED)
def test_feed_field_stands_where_the_table_says(row: Row, name: str) -> None:
    output = WRITERS[name].write(page(FULL, after="next-page" if row.field == "next page" else None))

    if row.place(name) == "fh:complete":
        assert fromstring(output).find("fh:complete", NAMESPACES) is not None
    else:
        assert places(output, name, row.place(name))


def test_document_is_current() -> None:
    """`python -m livefeed.api.formats.fields docs/formats.md` makes it so."""
    text = DOCUMENT.read_text(encoding="utf-8")

    assert insert(text) == text
