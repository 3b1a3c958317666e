"""What the specifications ask of a document, written from them and not from the writers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import referencing
import referencing.jsonschema
from lxml import etree

SHARED = Path(__file__).parents[4] / "shared" / "data"

ATOM = "{http://www.w3.org/2005/Atom}"
TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
RFC822 = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT"
)
IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
MIME = re.compile(r"[\w.+-]+/[\w.+-]+")


def parse_xml(output: bytes) -> etree._Element:
    assert output.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    return etree.fromstring(output, etree.XMLParser(resolve_entities=False, no_network=True))


def one(element: etree._Element, name: str) -> etree._Element:
    found = element.findall(name)
    assert len(found) == 1, f"{len(found)} of {name} in {element.tag}"
    return found[0]


def text(element: etree._Element, name: str) -> str:
    return one(element, name).text or ""


def check_atom(output: bytes) -> etree._Element:
    """RFC 4287, section 4; RFC 5005, section 3; RFC 6721, section 3."""
    feed = parse_xml(output)
    assert feed.tag == f"{ATOM}feed"
    _check_atom_metadata(feed)
    # 4.1.1: "MUST contain one or more atom:author elements, unless all of the entries do".
    assert feed.findall(f"{ATOM}author")
    relations = [link.get("rel") for link in feed.findall(f"{ATOM}link")]
    assert relations.count("self") == 1
    assert relations.count("next") <= 1
    assert len(relations) == len(set(relations))
    for entry in feed.findall(f"{ATOM}entry"):
        _check_entry(entry)
    ids = [text(entry, f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry")]
    assert len(ids) == len(set(ids))
    for deleted in feed.findall(f"{TOMBSTONE}deleted-entry"):
        assert IRI.fullmatch(deleted.get("ref", ""))
        assert RFC3339.fullmatch(deleted.get("when", ""))
        assert deleted.get("ref") not in ids
        assert {child.tag for child in deleted} <= {f"{TOMBSTONE}comment"}
    return feed


def _check_atom_metadata(element: etree._Element) -> None:
    assert IRI.fullmatch(text(element, f"{ATOM}id"))
    assert text(element, f"{ATOM}title")
    assert RFC3339.fullmatch(text(element, f"{ATOM}updated"))
    for person in element.findall(f"{ATOM}author"):
        assert text(person, f"{ATOM}name")
        assert all(IRI.fullmatch(uri.text or "") for uri in person.findall(f"{ATOM}uri"))
    for link in element.findall(f"{ATOM}link"):
        assert IRI.fullmatch(link.get("href", "")), link.get("href")
        rel = link.get("rel", "alternate")
        # 4.2.7.2: a registered name or an IRI.
        assert rel in ("alternate", "related", "self", "enclosure", "first", "next") or IRI.fullmatch(rel)
        assert link.get("type") is None or MIME.fullmatch(link.get("type", ""))
    for category in element.findall(f"{ATOM}category"):
        assert category.get("term")
        assert category.get("scheme") is None or IRI.fullmatch(category.get("scheme", ""))


def _check_entry(entry: etree._Element) -> None:
    _check_atom_metadata(entry)
    assert len(entry.findall(f"{ATOM}published")) <= 1
    assert len(entry.findall(f"{ATOM}summary")) <= 1
    contents = entry.findall(f"{ATOM}content")
    assert len(contents) <= 1
    # 4.1.2: without content there must be an alternate link; and of those one for each type and language.
    alternates = [link.get("type") for link in entry.findall(f"{ATOM}link") if link.get("rel") == "alternate"]
    assert alternates
    assert len(alternates) == len(set(alternates))
    for content in contents:
        # 4.1.3.3: the content of type "html" has no child elements.
        assert content.get("type") == "html"
        assert len(content) == 0


def check_rss(output: bytes) -> etree._Element:
    """RSS 2.0.11: the channel's and the items' required elements, and the form of their values."""
    root = parse_xml(output)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    channel = one(root, "channel")
    for name in ("title", "link", "description"):
        assert text(channel, name)
    assert RFC822.fullmatch(text(channel, "lastBuildDate"))
    for item in channel.findall("item"):
        assert item.findall("title") or item.findall("description")
        assert text(item, "link").startswith(("http://", "https://"))
        assert one(item, "guid").get("isPermaLink") == "false"
        assert RFC822.fullmatch(text(item, "pubDate"))
        for name in ("title", "description", "guid"):
            assert len(item.findall(name)) <= 1
    guids = [text(item, "guid") for item in channel.findall("item")]
    assert len(guids) == len(set(guids))
    return root


FEED_MEMBERS = {
    "version": str,
    "title": str,
    "home_page_url": str,
    "feed_url": str,
    "description": str,
    "user_comment": str,
    "next_url": str,
    "icon": str,
    "favicon": str,
    "authors": list,
    "language": str,
    "expired": bool,
    "hubs": list,
    "items": list,
}
ITEM_MEMBERS = {
    "id": str,
    "url": str,
    "external_url": str,
    "title": str,
    "content_html": str,
    "content_text": str,
    "summary": str,
    "image": str,
    "banner_image": str,
    "date_published": str,
    "date_modified": str,
    "authors": list,
    "tags": list,
    "language": str,
    "attachments": list,
}
AUTHOR_MEMBERS = {"name": str, "url": str, "avatar": str}
ATTACHMENT_MEMBERS = {"url": str, "mime_type": str, "title": str, "size_in_bytes": int, "duration_in_seconds": (int, float)}


def check_jsonfeed(output: bytes) -> dict[str, Any]:
    """JSON Feed 1.1."""
    feed = json.loads(output)
    _check_members(feed, FEED_MEMBERS)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    for item in feed["items"]:
        _check_members(item, ITEM_MEMBERS)
        assert item["id"]
        assert "content_html" in item or "content_text" in item
        for name in ("date_published", "date_modified"):
            assert RFC3339.fullmatch(item[name])
        for name in ("url", "external_url", "image"):
            assert item.get(name, "https://").startswith(("http://", "https://"))
        assert all(isinstance(tag, str) for tag in item.get("tags", []))
        for author in item.get("authors", []):
            _check_members(author, AUTHOR_MEMBERS)
            assert author
        for attachment in item.get("attachments", []):
            _check_members(attachment, ATTACHMENT_MEMBERS)
            assert attachment["url"]
            assert MIME.fullmatch(attachment["mime_type"])
    ids = [item["id"] for item in feed["items"]]
    assert len(ids) == len(set(ids))
    # "next_url must not be the same as feed_url".
    assert feed.get("next_url") != feed.get("feed_url")
    return dict(feed)


def _check_members(value: dict[str, Any], members: dict[str, Any]) -> None:
    for name, member in value.items():
        if name.startswith("_"):
            # "Extensions … must be a JSON object", and their names have no dots.
            assert isinstance(member, dict)
            assert "." not in name
        else:
            assert isinstance(member, members[name]), name


def ninjs_validator() -> jsonschema.Draft202012Validator:
    """IPTC's schema; what it asks of geoJSON is at another address, and here the part that is written."""
    point = {
        "type": "object",
        "required": ["type", "coordinates"],
        "properties": {"type": {"const": "Point"}, "coordinates": {"type": "array", "minItems": 2, "items": {"type": "number"}}},
    }
    resource = referencing.jsonschema.DRAFT202012.create_resource(point)
    registry: referencing.Registry[Any] = referencing.Registry().with_resource(
        "https://geojson.org/schema/GeoJSON.json", resource
    )
    schema = json.loads((SHARED / "ninjs-schema_3.1.json").read_text(encoding="utf-8"))
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schema, registry=registry, format_checker=checker)


def check_jsonld(output: bytes) -> dict[str, Any]:
    """What schema.org types and the search engines' guides for live blogs ask for."""
    assert not set(output) & set(b"<>&")
    document = json.loads(output)
    assert (document["@context"], document["@type"]) == ("https://schema.org", "LiveBlogPosting")
    for name in ("headline", "url", "datePublished", "dateModified", "coverageStartTime", "author", "publisher"):
        assert document[name]
    for update in document["liveBlogUpdate"]:
        assert update["@type"] == "BlogPosting"
        assert update["headline"]
        assert update["url"].startswith(("http://", "https://"))
        for name in ("datePublished", "dateModified"):
            assert RFC3339.fullmatch(update[name])
    return dict(document)
