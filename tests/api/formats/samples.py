"""An item with every field, and what stands around it."""

from __future__ import annotations

from types import ModuleType

from livefeed.api.formats import atom, jsonfeed, jsonld, ninjs, rss
from livefeed.api.formats.page import Page, Publication
from livefeed.feeds import FeedSettings
from livefeed.items import (
    Association,
    Author,
    InfoSource,
    Item,
    Origin,
    Place,
    Rendition,
    Subject,
    Tombstone,
    parse_item,
    parse_time,
)

NOW = parse_time("2026-11-23T12:00:00Z")

WRITERS: dict[str, ModuleType] = {"json": jsonfeed, "atom": atom, "rss": rss, "ninjs": ninjs, "jsonld": jsonld}

SETTINGS = FeedSettings(
    title="Feed title",
    description="Feed description",
    language="sk",
    home_page="https://news.example/live",
    open=False,
)
PUBLICATION = Publication("world", SETTINGS, "https://feeds.example")

FULL = Item(
    id="01itemid",
    uri="tag:news.example,2026:full",
    version=37,
    pub_status="usable",
    first_created="2026-11-23T10:00:00.001Z",
    version_created="2026-11-23T11:00:00.002Z",
    content_created="2026-11-23T09:30:00.003Z",
    type="event",
    headline="Headline Žltý kôň",
    body_text="Body in plain text",
    body_html="<p>Body in <em>markup</em></p>",
    urgency=2,
    language="de-AT",
    by="By line",
    authors=(Author(name="Author name", uri="https://people.example/author", avatar="https://people.example/face.png"),),
    info_sources=(InfoSource(name="Source name", uri="https://source.example/", role="Source role"),),
    located="Located city",
    places=(Place(name="Place name", uri="https://places.example/1", lat=48.25, lon=17.5),),
    subjects=(Subject(name="Subject name", uri="https://cv.iptc.example/mediatopic/1"),),
    tags=("Tag one", "Tag two"),
    slugline="Slug-line",
    summary="Summary sentence",
    link="https://news.example/article",
    renditions=(
        Rendition(
            name="rendition-name",
            href="https://news.example/picture.jpg",
            content_type="image/jpeg",
            width=1601,
            height=901,
            title="Rendition alternative",
            caption="Rendition caption",
            credit="Rendition credit",
        ),
    ),
    embargoed_until="2026-11-23T10:30:00.004Z",
    expires="2026-12-23T10:30:00.005Z",
    associations=(Association(rel="follows", uri="tag:news.example,2026:before"),),
    correction="Correction sentence",
    pinned=True,
    pin_rank=613,
    key_event=True,
    highlight=True,
    origin=Origin(
        producer="origin-producer",
        feed_url="https://origin.example/feed",
        guid="origin-guid",
        ingested="2026-11-23T09:45:00.006Z",
    ),
    ed_note="Editorial secret",
)

KILLED = Tombstone(
    id="01killed",
    uri="tag:news.example,2026:killed",
    version=5,
    pub_status="canceled",
    content_created="2026-11-23T08:00:00.000Z",
    version_created="2026-11-23T08:30:00.007Z",
    reason="Reason of the kill",
)


def page(*items: Item, publication: Publication = PUBLICATION, before: str | None = None, after: str | None = None) -> Page:
    """A page of *items* with one removed item; *after* is where the next page begins."""
    return Page.of(
        publication, items, now=NOW, updated="2026-11-23T11:30:00.008Z", tombstones=[KILLED], before=before, next=after
    )


def made(given: dict[str, object], number: int = 1) -> Item:
    """What a producer gives, checked and completed as the server does."""
    fields = parse_item({"uri": f"tag:news.example,2026:{number}", **given}, now=NOW)
    stamp = "2026-11-23T11:00:00.000Z"
    kept = {name: getattr(fields, name) for name in fields.__struct_fields__}
    kept["content_created"] = kept["content_created"] or stamp
    return Item(**kept, id=f"01item{number}", version=1, pub_status="usable", first_created=stamp, version_created=stamp)
