"""The client's types: plain JSON values, with typed fields.

Fields from a newer server that are not declared here are in the dictionaries too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypedDict, cast

__all__ = ["FeedEvent", "FeedInfo", "Item", "ItemPage", "Published", "Query"]

Query = list[tuple[str, str | int | float | bool | None]]
"""Parameters of a request, as httpx2 declares them."""


class Item(TypedDict, total=False):
    """An item, with its JSON names (ninjs 3.1). A withheld or canceled one has only the first seven.

    To publish, give at least `headline`, `bodyText` or `bodyHtml`. The fields before `type` are set by the server, except `uri`
    and `contentCreated`, which a producer may set.
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
    """The result of a change."""

    event: str | None
    """The cursor of the event; None while the item is a draft or under embargo."""
    item: Item
    """The item as it is now."""
    created: bool = False
    """Whether the item was created, rather than changed or already there."""


class ItemPage(NamedTuple):
    """One page of a feed's current items, newest first."""

    items: list[Item]
    cursor: str
    """The log position that the page is consistent with: `events(after=…)` continues it without a gap."""
    next: str | None
    """For `before=`; None at the end."""


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event of a live stream."""

    type: str
    """The CloudEvents type: `live.item.published`, `live.stream.reset` …"""
    feed: str
    cursor: str | None
    """Pass it as `after=` to resume after this event; None if the event does not move the position."""
    time: str
    subject: str
    """The item's uri, of item events."""
    data: dict[str, Any]
    json: str
    """The CloudEvents object as received, on one line."""

    @property
    def name(self) -> str:
        """The last word of the type."""
        return self.type.rpartition(".")[2]

    @property
    def item(self) -> Item | None:
        """The item of an item event; None for other events."""
        return cast("Item", self.data) if self.type.startswith("live.item.") else None

    @property
    def items(self) -> list[Item]:
        """The items of a snapshot or reset, newest first; empty for other events."""
        return cast("list[Item]", self.data.get("items", [])) if self.type.startswith("live.stream.") else []
