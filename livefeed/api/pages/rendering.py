"""Rendering of values to HTML. No I/O except for the templates, which are read once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from livefeed.api.formats import jsonld
from livefeed.api.formats.bodies import html_body, text_body, title
from livefeed.api.formats.page import Page, Publication
from livefeed.api.pages.words import LANGUAGES, Words, is_rtl
from livefeed.events import rfc3339
from livefeed.feeds import FeedSettings
from livefeed.filters import fold_tag
from livefeed.items import Item, Rendition, parse_time

__all__ = ["BREAKING_FOR", "FeedCard", "Frame", "News", "Renderer", "offered_tags"]

BREAKING_FOR = 30 * 60_000
"""Milliseconds for which an urgent item counts as breaking news."""

_MODULES = (
    *("chrome.js", "dom.js", "entry.js", "live-feed.js", "board.js", "live-feed.css.js", "words.js", "livefeed.js"),
    *("condition.js", "model.js", "sharing.js", "stream.js", "transports.js"),
)
"""The scripts of a page with a list, which are preloaded in parallel instead of one import after the other."""

_LONG = 900
"""Maximum length of a body in a list. The item's own page has the complete text."""
_WORDS_PER_MINUTE = 220
_SIGNS_PER_MINUTE = 500
_WRITTEN_WITHOUT_SPACES = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_FORMATS = (
    ("feed.json", "JSON Feed"),
    ("feed.atom", "Atom"),
    ("feed.rss", "RSS"),
    ("feed.ninjs", "ninjs"),
    ("feed.jsonld", "JSON-LD"),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What all pages have in common: texts, the server's URL, and the user."""

    words: Words
    base: str
    """The public URL, without a trailing slash."""
    root: str = ""
    """The path under which the server is mounted."""
    rtl: bool = False
    may_edit: bool = False
    version: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """The content of the reader page: one page of items as of *cursor*, and the items that editors emphasise."""

    publication: Publication
    items: Sequence[Item]
    cursor: str
    now: int
    """Milliseconds since the epoch."""
    next: str | None = None
    forward: Sequence[Item] = ()
    """Items that are searched for pins, key events and highlights; by default those of the page."""
    tag: str = ""
    tags: Sequence[str] = ()
    """The tags that can be selected."""
    newest: bool = True
    """Whether this is the first page."""
    readers: int | None = None

    def put_forward(self, flag: str) -> list[Item]:
        return [item for item in self.forward or self.items if getattr(item, flag)]

    @property
    def following(self) -> dict[str, str]:
        """The query string of the next page."""
        return {name: value for name, value in (("before", self.next), ("tag", self.tag)) if value}

    @property
    def pinned(self) -> list[Item]:
        return sorted(self.put_forward("pinned"), key=lambda item: item.pin_rank)

    @property
    def breaking(self) -> Item | None:
        return next((item for item in self.forward or self.items if is_breaking(item, self.now)), None)


@dataclass(frozen=True, slots=True)
class FeedCard:
    """One feed on the start page."""

    name: str
    settings: FeedSettings
    head: int | None
    """The time of the last event in ms since the epoch; None if there is none."""
    readers: int | None = None
    latest: Item | None = None


def offered_tags(items: Iterable[Item], chosen: str) -> list[str]:
    """The tags of *items*, most frequent first; always includes the *chosen* one."""
    counts: dict[str, tuple[int, str]] = {}
    for item in items:
        for tag in item.tags:
            count, shown = counts.get(fold_tag(tag), (0, tag))
            counts[fold_tag(tag)] = (count + 1, shown)
    if chosen:
        counts.setdefault(fold_tag(chosen), (0, chosen))
    ranked = sorted(counts.items(), key=lambda entry: (entry[0] != fold_tag(chosen), -entry[1][0], entry[0]))
    return [shown for _, (_, shown) in ranked[:12]]


def is_breaking(item: Item, now: int) -> bool:
    return item.urgency <= 2 and parse_time(item.content_created) + BREAKING_FOR > now


def minutes(item: Item) -> int:
    text = text_body(item)
    signs = len(_WRITTEN_WITHOUT_SPACES.findall(text))
    return max(1, math.ceil(len(text.split()) / _WORDS_PER_MINUTE + signs / _SIGNS_PER_MINUTE))


def picture(item: Item) -> Rendition | None:
    """The item's main image, if there is one that can be shown on a page served over https."""
    shown = (r for r in item.renditions if r.content_type.startswith("image/") or not r.content_type)
    return next((r for r in shown if r.href.startswith("https:")), None)


def stub(item: Item) -> str:
    """The data that the browser needs about an item on the page to apply later events to it."""
    known = {
        "id": item.id,
        "uri": item.uri,
        "version": item.version,
        "pubStatus": item.pub_status,
        "contentCreated": item.content_created,
        "headline": title(item),
        "tags": item.tags,
        "urgency": item.urgency,
        "expires": item.expires,
        "pinned": item.pinned,
        "pinRank": item.pin_rank,
        "keyEvent": item.key_event,
        "highlight": item.highlight,
    }
    return msgspec.json.encode({name: value for name, value in known.items() if value}).decode()


def days(items: Iterable[Item]) -> list[tuple[str, list[Item]]]:
    """The items grouped by day (UTC), each with a time of that day."""
    grouped = groupby(items, key=lambda item: item.content_created[:10])
    return [(f"{day}T00:00:00.000Z", list(group)) for day, group in grouped]


class Renderer:
    """The templates, and the functions they may call."""

    def __init__(self, asset: Callable[[str], str]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            asset=asset,
            formats=_FORMATS,
            is_breaking=is_breaking,
            is_rtl=is_rtl,
            languages=[(name, Words.of(name)("language")) for name in LANGUAGES],
            minutes=minutes,
            picture=picture,
        )
        self._environment.filters.update(
            body=lambda item: Markup(html_body(item)),  # noqa: S704  # nosec B704  # cleaned when it was published
            text=text_body,
            groupby_day=days,
            headline=title,
            host=lambda link: urlsplit(link).hostname or link,
            is_long=lambda item: len(text_body(item)) > _LONG,
            path=lambda text: quote(text, safe=""),
            query=urlencode,
            stub=stub,
            time=rfc3339,
        )

    def reader(self, frame: Frame, news: News) -> str:
        page = Page.of(
            news.publication, news.items, now=news.now, updated=max((i.version_created for i in news.items), default="")
        )
        structured = Markup(jsonld.write(page).decode())  # noqa: S704  # nosec B704  # escapes what could end the element
        values = {"news": news, "publication": news.publication, "structured": structured, "modules": _MODULES}
        return self.render("reader.html", frame, **values)

    def article(self, frame: Frame, item: Item, news: News) -> str:
        structured = Markup(jsonld.write_article(item, news.publication).decode())  # noqa: S704  # nosec B704  # likewise
        values = {"item": item, "news": news, "publication": news.publication, "structured": structured, "modules": _MODULES}
        return self.render("article.html", frame, **values)

    def removed(self, frame: Frame, publication: Publication, status: str) -> str:
        """The page of a withheld or canceled item."""
        return self.render("removed.html", frame, publication=publication, status=status)

    def start(self, frame: Frame, feeds: Sequence[FeedCard], *, healthy: bool) -> str:
        return self.render("start.html", frame, feeds=feeds, healthy=healthy)

    def error(self, frame: Frame, key: str, detail: str) -> str:
        return self.render("error.html", frame, key=key, detail=detail)

    def render(self, template: str, frame: Frame, **values: object) -> str:
        """Render any page: *values* are the variables of its template."""
        return self._environment.get_template(template).render(frame=frame, words=frame.words, root=frame.root, **values)
