"""Each format as its specification has it, and as other people's programs read it."""

from __future__ import annotations

import json
from typing import Any

import feedparser
import msgspec
import pytest

from livefeed.api.formats import atom, jsonfeed, jsonld, ninjs, rss
from livefeed.api.formats.page import Publication
from livefeed.feeds import FeedSettings
from livefeed.items import Item
from tests.api.formats.rules import (
    ATOM,
    SHARED,
    check_atom,
    check_jsonfeed,
    check_jsonld,
    check_rss,
    ninjs_validator,
    parse_xml,
)
from tests.api.formats.samples import FULL, KILLED, PUBLICATION, WRITERS, made, page

BARE = Publication("world", FeedSettings(), "https://feeds.example")

ITEMS = [
    FULL,
    made({"headline": "A flash"}, 2),
    made({"bodyText": "Only a text.\n\nOf two\nparagraphs."}, 3),
    made({"bodyHtml": "<p>Only <b>markup</b>.</p><p>Twice.</p>"}, 4),
    made({"headline": "Sound", "type": "audio", "renditions": [{"name": "a", "href": "https://a.example/1"}]}, 5),
    made(
        {
            "headline": "Careless",
            "renditions": [{"name": "p", "href": "https://a.example/1.jpg", "contentType": "jpg"}],
            "associations": [{"rel": "see also: <this>", "uri": "urn:x:1"}],
            "by": "Desk",
        },
        7,
    ),
    made({"headline": "مرحبا 你好 שלום 👩‍🚀 Žluť", "language": "ar", "tags": ["خبر"], "by": "李雷"}, 6),
]


@pytest.mark.parametrize("items", [ITEMS, []], ids=["items", "none"])
@pytest.mark.parametrize("publication", [PUBLICATION, BARE], ids=["full", "bare"])
def test_documents_follow_their_specifications(publication: Publication, items: list[Item]) -> None:
    for before, after in ((None, None), (None, "p2"), ("p2", "p3")):
        made_of = page(*items, publication=publication, before=before, after=after)
        check_atom(atom.write(made_of))
        check_rss(rss.write(made_of))
        check_jsonfeed(jsonfeed.write(made_of))
        check_jsonld(jsonld.write(made_of))


@pytest.mark.skipif(not SHARED.exists(), reason="the schema of ninjs is not here")
def test_every_news_object_validates() -> None:
    validator = ninjs_validator()

    for news in json.loads(ninjs.write(page(*ITEMS))):
        assert [error.message for error in validator.iter_errors(news)] == []


@pytest.mark.skipif(not SHARED.exists(), reason="the schema of ninjs is not here")
def test_the_schema_tells_a_wrong_object() -> None:
    """The check above can fail: also in the part that was registered by hand."""
    news = json.loads(ninjs.write(page(FULL)))[0]
    news["places"][0]["geoJSON"] = {"type": "Point"}

    assert not ninjs_validator().is_valid(news)


@pytest.mark.parametrize("name", ["atom", "rss"])
def test_feedparser_reads_it(name: str) -> None:
    parsed = feedparser.parse(WRITERS[name].write(page(*ITEMS, after="p2")))

    assert not parsed.bozo
    assert parsed.feed.title == "Feed title"
    assert len(parsed.entries) == len(ITEMS)
    entry = parsed.entries[0]
    assert entry.id == FULL.uri
    assert entry.title == FULL.headline
    assert entry.link == "https://feeds.example/read/world/01itemid"
    assert entry.published_parsed[:6] == (2026, 11, 23, 9, 30, 0)
    assert entry.updated_parsed[:6] == (2026, 11, 23, 11, 0, 0)
    assert "<p>Body in <em>markup</em></p>" in entry.content[0].value
    assert "Correction:" in entry.content[0].value
    assert {"Tag one", "Tag two"} <= {tag.term for tag in entry.tags}
    assert entry.where == {"type": "Point", "coordinates": (17.5, 48.25)}
    assert parsed.entries[-1].title == ITEMS[-1].headline
    assert any(link.rel == "next" and link.href.endswith("?before=p2") for link in parsed.feed.links)


def test_pages_are_one_logical_feed() -> None:
    """RFC 5005, 3: pages share an id and name their neighbours."""
    first, second = (check_atom(atom.write(page(FULL, before=b, after=a))) for b, a in ((None, "p 2&x"), ("p 2&x", None)))

    def links(feed: Any) -> dict[str, str]:
        return {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}

    assert first.findtext(f"{ATOM}id") == second.findtext(f"{ATOM}id")
    assert links(first)["next"] == links(second)["self"] == "https://feeds.example/v1/feeds/world/feed.atom?before=p%202%26x"
    assert links(second)["first"] == links(first)["self"]
    assert "next" not in links(second)


@pytest.mark.parametrize(("open_", "before", "complete"), [(True, None, False), (False, None, True), (False, "p2", False)])
def test_only_a_closed_feed_on_one_page_is_complete(open_: bool, before: str | None, complete: bool) -> None:
    """RFC 5005, 2: a client discards what a complete feed does not list."""
    publication = Publication("world", FeedSettings(open=open_), "https://feeds.example")
    output = atom.write(page(FULL, publication=publication, before=before))

    assert (b"<fh:complete" in output) is complete
    assert json.loads(jsonfeed.write(page(FULL, publication=publication))).get("expired", False) is not open_


def test_removed_item_is_told_where_the_format_can() -> None:
    made_of = page(FULL)
    deleted = parse_xml(atom.write(made_of)).find("{*}deleted-entry")
    news = json.loads(ninjs.write(made_of))[-1]

    assert deleted is not None
    assert (deleted.get("ref"), deleted.get("when")) == (KILLED.uri, KILLED.version_created)
    assert (news["uri"], news["pubStatus"]) == (KILLED.uri, "canceled")
    assert not {"headlines", "bodies", "descriptions"} & set(news)
    assert KILLED.uri.encode() not in rss.write(made_of) + jsonld.write(made_of)


def test_released_item_is_no_longer_removed() -> None:
    released = msgspec.structs.replace(FULL, uri=KILLED.uri)

    check_atom(atom.write(page(released)))
    assert [news["pubStatus"] for news in json.loads(ninjs.write(page(released)))] == ["usable"]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    "changes",
    [
        {"pub_status": "withheld"},
        {"pub_status": "canceled"},
        {"draft": True},
        {"embargoed_until": "2026-11-23T12:00:00.001Z"},
        {"expires": "2026-11-23T12:00:00.000Z"},
    ],
    ids=str,
)
def test_what_is_not_out_is_in_no_format(name: str, changes: dict[str, Any]) -> None:
    hidden = msgspec.structs.replace(FULL, **changes)
    shown = made({"headline": "Shown"}, 2)

    output = WRITERS[name].write(page(hidden, shown))

    assert b"Shown" in output
    for word in (FULL.headline, "Body in", FULL.uri, "Editorial secret", FULL.summary):
        assert word.encode() not in output


def test_article_is_a_posting_of_the_live_blog() -> None:
    article = json.loads(jsonld.write_article(FULL, PUBLICATION))
    update = json.loads(jsonld.write(page(FULL)))["liveBlogUpdate"][0]

    assert article["@context"] == "https://schema.org"
    assert article["isPartOf"]["@type"] == "LiveBlogPosting"
    assert {name: article[name] for name in update} == update


def test_json_extension_keeps_what_the_format_has_no_name_for() -> None:
    """Every public field of the item can be had back from JSON Feed."""
    entry = json.loads(jsonfeed.write(page(FULL)))["items"][0]
    extension = entry["_livefeed"]
    item = msgspec.to_builtins(FULL)

    for name in ("places", "subjects", "infoSources", "associations", "origin", "located", "slugline", "correction"):
        assert extension[name] == json.loads(json.dumps(item[name]))
