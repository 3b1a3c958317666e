"""What the client takes and gives: plain JSON values, with their fields named for type checkers.

A server that is newer than this client may send fields that are not named here; they are in the dictionaries all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypedDict, cast

__all__ = ["FeedEvent", "FeedInfo", "Item", "ItemPage", "Published", "Query"]

Query = list[tuple[str, str | int | float | bool | None]]
"""Parameters of a request, as httpx2 declares them."""


class Item(TypedDict, total=False):
    """An item, in the JSON names (ninjs 3.1). Of a withheld or canceled one only the first seven are there.

    To publish, give `headline`, `bodyText` or `bodyHtml`, and what else you know; what stands before `type` is the server's,
    but for `uri` and `contentCreated`, which either side may give.
    """

    id: str
    uri: str
    version: int
    pubStatus: Literal["usable", "withheld", "canceled"]
    contentCreated: str
    versionCreated: str
    reason: str
    firstCreated: str
    origin: dict[str, str]
    type: Literal["text", "picture", "video", "audio", "event", "composite"]
    headline: str
    bodyText: str
    bodyHtml: str
    urgency: int
    language: str
    by: str
    authors: list[dict[str, str]]
    infoSources: list[dict[str, str]]
    located: str
    places: list[dict[str, Any]]
    subjects: list[dict[str, str]]
    tags: list[str]
    slugline: str
    summary: str
    link: str
    renditions: list[dict[str, Any]]
    embargoedUntil: str
    expires: str
    associations: list[dict[str, str]]
    correction: str
    draft: bool
    pinned: bool
    pinRank: int
    keyEvent: bool
    highlight: bool
    edNote: str


class FeedInfo(TypedDict, total=False):
    """One feed of the list of feeds."""

    name: str
    title: str
    head: str
    readers: int
    open: bool


class Published(NamedTuple):
    """What a change led to."""

    event: str | None
    """The cursor of the event; None while the item is a draft or under embargo."""
    item: Item
    """The item as it is now."""
    created: bool = False
    """Whether the item is new, rather than known already or changed."""


class ItemPage(NamedTuple):
    """One page of a feed's current items, newest first."""

    items: list[Item]
    cursor: str
    """The position in the log that the page is true for: `events(after=…)` joins it without a gap."""
    next: str | None
    """For `before=`; None at the end."""


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event of a live stream."""

    type: str
    """The CloudEvents type: `live.item.published`, `live.stream.reset` …"""
    feed: str
    cursor: str | None
    """Give it as `after=` to go on behind this event; None: it does not move the reader."""
    time: str
    subject: str
    """The item's uri, of item events."""
    data: dict[str, Any]
    json: str
    """The CloudEvents object as it came, on one line."""

    @property
    def name(self) -> str:
        """The last word of the type."""
        return self.type.rpartition(".")[2]

    @property
    def item(self) -> Item | None:
        """The item that something happened to; None for snapshots, resets and the feed's and the stream's own events."""
        return cast("Item", self.data) if self.type.startswith("live.item.") else None

    @property
    def items(self) -> list[Item]:
        """The items that a snapshot or reset shows, newest first; none for other events."""
        return cast("list[Item]", self.data.get("items", [])) if self.type.startswith("live.stream.") else []
