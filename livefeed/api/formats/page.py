"""Pages: the input of all formats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from livefeed.feeds import FeedSettings
from livefeed.items import Item, Tombstone, parse_time

__all__ = ["Page", "Publication", "is_out"]


@dataclass(frozen=True, slots=True)
class Publication:
    """What every format says about the feed itself. *base* is the server's public URL, without a trailing slash."""

    feed: str
    settings: FeedSettings
    base: str

    @property
    def title(self) -> str:
        return self.settings.title or self.feed

    @property
    def home(self) -> str:
        """The page for people."""
        return self.settings.home_page or f"{self.base}/read/{quote(self.feed)}"

    def article(self, item_id: str) -> str:
        """The page of one item."""
        return f"{self.base}/read/{quote(self.feed)}/{quote(item_id, safe='')}"

    def address(self, name: str, before: str | None = None) -> str:
        """The URL of the format *name* (`feed.atom`), from the newest item or from *before*."""
        return f"{self.base}/v1/feeds/{quote(self.feed)}/{name}" + (f"?before={quote(before, safe='')}" if before else "")


@dataclass(frozen=True, slots=True)
class Page:
    """Some current items of a feed, newest first, and the recently removed ones.

    *before* is where this page begins (None: at the newest), *next* where the one after it does (None: this is the last).
    *updated* is the time of the last change that the page knows of.
    """

    publication: Publication
    items: tuple[Item, ...]
    updated: str
    tombstones: tuple[Tombstone, ...] = ()
    before: str | None = None
    next: str | None = None

    @classmethod
    def of(
        cls,
        publication: Publication,
        items: Iterable[Item],
        *,
        now: int,
        updated: str,
        tombstones: Iterable[Tombstone] = (),
        before: str | None = None,
        next: str | None = None,  # noqa: A002  # the name of the link
    ) -> Page:
        """Make a page of those of *items* that are out at *now* (ms since the epoch)."""
        out = tuple(item for item in items if is_out(item, now))
        # RFC 6721, 3: of an entry and a tombstone with one id the later one counts; a released item is no longer removed.
        shown = {item.uri for item in out}
        removed = tuple(t for t in tombstones if t.uri not in shown)
        return cls(publication, out, updated, removed, before, next)

    @property
    def complete(self) -> bool:
        """Whether this page is complete and final: a closed feed on one page."""
        return not self.publication.settings.open and self.before is None and self.next is None


def is_out(item: Item, now: int) -> bool:
    """Whether readers may see *item* at *now* (ms since the epoch)."""
    if item.pub_status != "usable" or item.draft:
        return False
    if item.embargoed_until and parse_time(item.embargoed_until) > now:
        return False
    return not item.expires or parse_time(item.expires) > now
