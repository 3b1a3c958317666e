"""`GET /v1/feeds/{feed}/feed.json`, `.atom`, `.rss`, `.ninjs` and `.jsonld`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from weakref import WeakValueDictionary

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from livefeed.api.conditions import is_settled, is_unchanged, last_modified
from livefeed.api.formats import atom, jsonfeed, jsonld, ninjs, rss
from livefeed.api.formats.cache import Cache, Document, Key
from livefeed.api.formats.page import Page, Publication
from livefeed.api.requests import caller_of
from livefeed.events import Event, rfc3339
from livefeed.exceptions import BadRequest, Unavailable
from livefeed.feeds import FeedSettings, check_feed_name
from livefeed.grants import Role
from livefeed.items import Item, Tombstone, parse_time
from livefeed.log.catalog import Catalog, Feed
from livefeed.log.changes import is_member
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from livefeed.queries import Query
from livefeed.snapshots import Listing

__all__ = ["Formats"]

ITEMS = 50
"""Items per page: a day of most feeds, and a document of some tens of kilobytes."""
RECENT = 200
"""Recent events that are searched for removals."""
CACHE = 32 * 1024 * 1024
"""Size of a worker's document cache in bytes."""


@dataclass(frozen=True, slots=True)
class Format:
    name: str
    media_type: str
    write: Callable[[Page], bytes]


FORMATS = tuple(Format(module.NAME, module.MEDIA_TYPE, module.write) for module in (jsonfeed, atom, rss, ninjs, jsonld))


class Formats:
    """The endpoints of the feed documents.

    *now* returns the time in ms since the epoch. *base* is the server's public URL; without it, the URL of each request is used.
    """

    def __init__(self, catalog: Catalog, items: ItemStore, log: EventLog, now: Callable[[], int], base: str = "") -> None:
        self._catalog = catalog
        self._items = items
        self._log = log
        self._now = now
        self._base = base.rstrip("/")
        self._cache = Cache(CACHE)
        self._writing: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    def routes(self) -> list[Route]:
        return [Route(f"/v1/feeds/{{feed}}/{f.name}", partial(self.get, f), methods=["GET"], name=f.name) for f in FORMATS]

    def drop(self, feed: str) -> None:
        """Drop the cached documents of *feed*; called at each hold and cancel before readers get the event."""
        self._cache.drop(feed)

    async def get(self, wanted: Format, request: Request) -> Response:
        feed_name = check_feed_name(request.path_params["feed"])
        before = Query(request.scope["query_string"], ("before",)).one("before")
        if before is not None and not is_member(before):
            raise BadRequest(f"before={before[:40]!r} is not a page position: use the `next` link of a page, unchanged")
        feed = await self._catalog.get(feed_name)
        if not feed.settings.public:
            caller_of(request).require(Role.READ, feed_name)
        key = Key(feed_name, wanted.name, before, self._base or str(request.base_url).rstrip("/"))
        document = self._cache.get(key)
        if document is None or not document.is_current(feed.head, feed.revision, self._now()):
            document = await self._written(wanted, key)
        return _answer(request, wanted, feed, key, document, self._now())

    async def _written(self, wanted: Format, key: Key) -> Document:
        """The current document, rendered once for concurrent requests."""
        lock = self._writing.setdefault(key, asyncio.Lock())
        async with lock:
            feed = await self._catalog.get(key.feed)
            document = self._cache.get(key)
            if document is None or not document.is_current(feed.head, feed.revision, self._now()):
                listing, recent = await self._read(key)
                # There is no await between the last read and the response, so no kill can come in between.
                page = _page(feed, key, listing, recent, self._now())
                document = _document(page, listing, feed.revision, wanted.write(page))
                self._cache.put(key, document)
            return document

    async def _read(self, key: Key) -> tuple[Listing, list[Event]]:
        """A list of items, and the events up to a later moment, so that a kill after the list was read is noticed."""
        for _ in range(3):
            listing = await self._items.newest(key.feed, ITEMS, before=key.before or "")
            recent = await self._log.latest(key.feed, RECENT)
            if len(recent) < RECENT or recent[-1].cursor <= listing.head:
                return listing, recent
        raise Unavailable(f"{key.feed!r} changes faster than a document can be written; try again")


def _removed(recent: Iterable[Event]) -> dict[str, Event]:
    """The events, by item id, that removed an item and after which nothing more happened to it."""
    last: dict[str, Event] = {}
    for event in recent:
        if event.item_id:
            last.setdefault(event.item_id, event)
    return {item_id: event for item_id, event in last.items() if event.type.removes}


def _page(feed: Feed, key: Key, listing: Listing, recent: Iterable[Event], now: int) -> Page:
    removed = _removed(recent)
    read = [msgspec.json.decode(row.data, type=Item) for row in listing.rows]
    items = [item for item in read if item.id not in removed or removed[item.id].cursor <= listing.head]
    # Tombstones are on the first page, which is the one that clients poll.
    told = () if key.before else tuple(msgspec.json.decode(event.data, type=Tombstone) for event in removed.values())
    changes = [item.version_created for item in items] + [tombstone.version_created for tombstone in told]
    return Page.of(
        Publication(feed.name, feed.settings, key.base),
        items,
        now=now,
        updated=max(changes, default=rfc3339(listing.head.ms)),
        tombstones=told,
        before=key.before,
        next=listing.next or None,
    )


def _document(page: Page, listing: Listing, revision: int, body: bytes) -> Document:
    ends = [parse_time(item.expires) for item in page.items if item.expires]
    etag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
    return Document(body, etag, listing.head, revision, min(ends, default=None), page.next)


def _answer(request: Request, wanted: Format, feed: Feed, key: Key, document: Document, now: int) -> Response:
    public = feed.settings.public
    headers = {
        "ETag": document.etag,
        # May be stored, but must be revalidated: a killed text must not survive in a cache.
        "Cache-Control": "public, no-cache" if public else "private, no-cache",
        "Link": _links(wanted, key, document),
    }
    if not public:
        headers["Vary"] = "Authorization, Cookie"
    # An expiry changes the document without an event, which a modification time does not reflect.
    settled = document.expires is None and is_settled(document.head.ms, now)
    modified = headers["Last-Modified"] = last_modified(document.head.ms, settled=settled)
    if is_unchanged(request.headers, document.etag, modified if settled else None):
        return Response(status_code=304, headers=headers)
    headers["Content-Type"] = wanted.media_type
    if request.method == "HEAD":
        return Response(headers=headers | {"Content-Length": str(len(document.body))})
    return Response(document.body, headers=headers)


def _links(wanted: Format, key: Key, document: Document) -> str:
    # Without the host: a relative reference is resolved against the request's URL.
    publication = Publication(key.feed, FeedSettings(), "")
    links = [
        f'<{publication.address(wanted.name, key.before)}>; rel="self"',
        f'<{publication.address(wanted.name)}>; rel="first"',
    ]
    if document.next:
        links.append(f'<{publication.address(wanted.name, document.next)}>; rel="next"')
    return ", ".join(links)
