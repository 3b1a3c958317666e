"""Items in, HTML out: also items that no door would have let in."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from livefeed.api import pages
from livefeed.api.formats.page import Publication
from livefeed.api.pages.assets import Assets
from livefeed.api.pages.rendering import FeedCard, Frame, News, Renderer, offered_tags
from livefeed.api.pages.words import Words, is_rtl
from livefeed.feeds import FeedSettings
from livefeed.items import Item

NOW = 1_795_435_200_000
"""2026-11-23, noon."""
HOSTILE = '</script><script>alert(1)</script><!--" onload="alert(2)'
SETTINGS = FeedSettings(title="World", description="What happens.")
FRAME = Frame(Words.of("en"), "https://news.example")


@pytest.fixture
def renderer() -> Renderer:
    return Renderer(Assets(Path(pages.__file__).parent / "static").path)


def item(**fields: Any) -> Item:
    given = {
        "id": "a1",
        "uri": "tag:news.example,2026:1",
        "version": 1,
        "pubStatus": "usable",
        "firstCreated": "2026-11-23T11:00:00.000Z",
        "versionCreated": "2026-11-23T11:00:00.000Z",
        "contentCreated": "2026-11-23T11:00:00.000Z",
        "headline": "Storm",
    }
    return msgspec.convert(given | fields, Item)


def news(*items: Item, settings: FeedSettings = SETTINGS, **fields: Any) -> News:
    return News(publication=Publication("world", settings, "https://news.example"), items=items, cursor="1-1", now=NOW, **fields)


class Runs(HTMLParser):
    """Collects what a browser would run: the addresses of scripts, and whatever runs without one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.inline: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and given.get("type") != "application/ld+json":
            self.scripts.append(given.get("src") or "inline")
        self.inline += [
            name for name, value in attrs if name.startswith("on") or name == "style" or "javascript:" in (value or "")
        ]


def test_nothing_in_an_item_or_a_feed_becomes_markup(renderer: Renderer) -> None:
    said = dict.fromkeys(("id", "uri", "headline", "summary", "by", "located", "slugline", "correction", "bodyText"), HOSTILE)
    lists = {"tags": [HOSTILE], "infoSources": [{"name": HOSTILE}], "authors": [{"name": HOSTILE}]}
    shown = {"name": "main", "href": "https://x/" + HOSTILE, "title": HOSTILE, "caption": HOSTILE, "credit": HOSTILE}
    hostile = item(
        **said, **lists, renditions=[shown], language=HOSTILE, link="https://x/" + HOSTILE, keyEvent=True, pinned=True, urgency=1
    )
    settings = FeedSettings(title=HOSTILE, description=HOSTILE, language=HOSTILE)
    everything = news(hostile, settings=settings, tag=HOSTILE, next=HOSTILE, readers=2)
    for page in (
        renderer.reader(FRAME, everything),
        renderer.article(FRAME, hostile, everything),
        renderer.start(FRAME, [FeedCard("world", settings, NOW, 2, hostile)], healthy=True),
        renderer.error(FRAME, "error.request", HOSTILE),
        renderer.removed(FRAME, everything.publication, "canceled"),
    ):
        runs = Runs(page)
        assert all(script.startswith("/static/") for script in runs.scripts)
        assert runs.inline == []


def test_a_picture_is_shown_only_over_https(renderer: Renderer) -> None:
    """A page that is served over https may not load another one, and no page tells a plain connection who reads."""
    pictures = [{"name": "a", "href": "http://x/a.jpg"}, {"name": "b", "href": "https://x/b.mp4", "contentType": "video/mp4"}]
    assert '<img src="http' not in renderer.reader(FRAME, news(item(renditions=pictures)))
    good = {"name": "c", "href": "https://x/c.jpg", "width": 640, "height": 360}
    assert '<img src="https://x/c.jpg" alt="" width="640" height="360"' in renderer.reader(
        FRAME, news(item(renditions=[*pictures, good]))
    )


@pytest.mark.parametrize(("created", "breaking"), [("2026-11-23T11:31:00.000Z", True), ("2026-11-23T11:30:00.000Z", False)])
def test_an_urgent_item_is_breaking_for_half_an_hour(created: str, breaking: bool) -> None:
    assert (news(item(urgency=2, contentCreated=created)).breaking is not None) is breaking
    assert news(item(urgency=3, contentCreated=created)).breaking is None


def test_pins_are_in_the_order_of_their_rank() -> None:
    shown = news(*(item(id=f"a{rank}", pinned=True, pinRank=rank) for rank in (3, 1, 2)))
    assert [pin.pin_rank for pin in shown.pinned] == [1, 2, 3]


def test_tags_are_offered_by_use_and_the_chosen_one_always() -> None:
    items = [item(tags=["Sport", "Vote"]), item(tags=["sport"]), item(tags=["Weather"])]
    assert offered_tags(items, "") == ["Sport", "Vote", "Weather"]
    assert offered_tags(items, "war") == ["war", "Sport", "Vote", "Weather"]


@pytest.mark.parametrize(("text", "minutes"), [("", 1), ("word " * 220, 1), ("word " * 221, 2), ("\u6587" * 1001, 3)])
def test_reading_time(renderer: Renderer, text: str, minutes: int) -> None:
    page = renderer.article(FRAME, item(bodyText=text), news())
    assert f'class="minutes">{Words.of("en").count("article.minutes", minutes)}<' in page


@pytest.mark.parametrize(("language", "direction"), [("ur", "rtl"), ("ar-EG", "rtl"), ("de", "ltr"), ("", "ltr")])
def test_a_feed_in_a_right_to_left_language_turns_the_page(renderer: Renderer, language: str, direction: str) -> None:
    frame = Frame(Words.of("en"), "https://news.example", rtl=is_rtl(language))
    assert f'<html lang="en" dir="{direction}">' in renderer.reader(frame, news(item()))


def test_a_mounted_server_links_under_its_path(renderer: Renderer) -> None:
    page = renderer.reader(Frame(Words.of("en"), "https://news.example/live", "/live"), news(item()))
    assert 'href="/live/read/world/a1"' in page
    assert 'src="/live/static/' in page
    assert 'href="/read' not in page
