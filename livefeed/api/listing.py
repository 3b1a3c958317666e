"""Lists: pages of current items, each consistent with one position of the log."""

from __future__ import annotations

import asyncio
import re
import time
import unicodedata
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response

from livefeed.api.requests import JSON, caller_of, is_unchanged
from livefeed.cursors import Cursor
from livefeed.exceptions import BadRequest, TooManyRequests
from livefeed.feeds import check_feed_name
from livefeed.filters import Filter
from livefeed.grants import Role
from livefeed.log.catalog import Catalog, Feed
from livefeed.log.changes import is_member, member
from livefeed.log.itemstore import ItemStore, StoredItem
from livefeed.queries import Query
from livefeed.snapshots import Listing, Row
from livefeed.starts import parse_since

__all__ = ["LIMIT", "MOST", "PARAMETERS", "Lists"]

LIMIT, MOST = 50, 200
SEARCHED = 2_000
CHUNK = 100
MAX_SEARCHES = 16
"""Searches that may wait for the running one. Anyone may search, and each costs as much as a thousand deliveries."""
MAX_PAGE = 1024 * 1024
"""Maximum size of a page in bytes: 200 items of 64 KiB would be 13 MB."""

PARAMETERS = ("limit", "before", "tag", "urgency", "uri", "q", "since", "view")


class _Words(msgspec.Struct, rename="camel"):
    """The fields that `q` searches."""

    headline: str = ""
    body_text: str = ""
    body_html: str = ""


_words = msgspec.json.Decoder(_Words)


class Lists:
    def __init__(self, items: ItemStore, catalog: Catalog) -> None:
        self._items = items
        self._catalog = catalog
        self._searching = asyncio.Lock()
        self._searches = 0

    async def readable(self, request: Request) -> Feed:
        """The feed of the request, if its caller may read it."""
        feed = await self._catalog.get(check_feed_name(request.path_params["feed"]))
        if not feed.settings.public:
            caller_of(request).require(Role.READ, feed.name)
        return feed

    @staticmethod
    def caching(request: Request, feed: Feed) -> dict[str, str]:
        """Caches must revalidate each time; shared caches may store lists of public feeds only."""
        shared = feed.settings.public and not caller_of(request).subject
        return {"Cache-Control": "no-cache" if shared else "private, no-cache", "Vary": "Authorization, Cookie"}

    async def page(self, request: Request) -> Response:
        feed = await self.readable(request)
        query = Query(request.scope["query_string"], PARAMETERS)
        desk = query.choice("view", ("desk",)) is not None
        if desk:
            caller_of(request).require(Role.EDIT, feed.name)
        page = await self._page(feed.name, query, desk=desk)
        body = _page_json(page, desk=desk)
        etag = f'"{sha256(body).hexdigest()[:24]}"'
        headers = {"ETag": etag, "Link": _links(request, page.next), **self.caching(request, feed)}
        if is_unchanged(request, etag):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=JSON, headers=headers)

    async def for_desk(self, feed: str, item_id: str, stored: StoredItem) -> bytes:
        """An item with the fields for the desk: its state, its note, and the text of a withheld one."""
        row = _desk_json(stored.data, stored.desk, stored.state)
        if stored.state != "withheld":
            return row
        sealed = await self._items.held(feed, item_id)
        return row if sealed is None else row[:-1] + b',"held":' + _desk_json(sealed.data, sealed.desk, "withheld") + b"}"

    async def _page(self, feed: str, query: Query, *, desk: bool) -> Listing:
        limit = query.integer("limit", 1, MOST) or LIMIT
        before = query.one("before")
        if before is not None and not is_member(before):
            raise BadRequest(f"before={before[:60]!r} is not a page position: use the `next` of an earlier page, unchanged")
        text = query.one("since")
        since = parse_since(text, time.time_ns() // 1_000_000).ms if text is not None else None
        if "uri" in query:
            page = await self._by_uri(feed, query.one("uri") or "", query.only(), desk=desk)
        elif "q" in query:
            page = await self._search_in_turn(feed, _asked_words(query), limit, query.only(), before or "", desk=desk)
        else:
            page = await self._items.newest(feed, limit, only=query.only(), before=before or "", desk=desk)
        return _cut(page, since)

    async def _by_uri(self, feed: str, uri: str, only: Filter, *, desk: bool) -> Listing:
        """At most one item; consistent with the position that was read first, as in `_search`."""
        head = (await self._catalog.get(feed)).head
        item_id = await self._items.id_of(feed, uri)
        row = await self._items.row(feed, item_id, only=only, desk=desk) if item_id else None
        return Listing(head, (row,) if row else (), "")

    async def _search_in_turn(self, feed: str, words: list[str], limit: int, only: Filter, before: str, *, desk: bool) -> Listing:
        if self._searches >= MAX_SEARCHES:
            raise TooManyRequests("too many searches are running", retry_after=2)
        self._searches += 1
        try:
            async with self._searching:
                return await self._search(feed, words, limit, only, before, desk=desk)
        finally:
            self._searches -= 1

    async def _search(self, feed: str, words: list[str], limit: int, only: Filter, before: str, *, desk: bool) -> Listing:
        """The newest items that contain all *words*, among the newest 2,000 below *before*.

        Consistent with the position that was read first: the stream repeats later changes, so none is missed.
        """
        found: list[Row] = []
        head: Cursor | None = None
        seen = 0
        while True:
            began = time.monotonic()
            page = await self._items.newest(feed, CHUNK, only=only, before=before, desk=desk)
            head = head or page.head
            for row in page.rows:
                if _holds(row.data, words):
                    found.append(row)
                    if len(found) == limit:
                        return Listing(head, tuple(found), row.member)
            seen += CHUNK
            before = page.next
            if not before or seen >= SEARCHED:
                return Listing(head, tuple(found), "")
            # Yield, so that searching takes about half of the event loop's time.
            await asyncio.sleep(min(time.monotonic() - began, 0.02))


def _asked_words(query: Query) -> list[str]:
    words = _folded(query.one("q") or "").split()
    if not words or len(words) > 20:
        raise BadRequest(f"q has {len(words)} words: 1 to 20 are allowed")
    return words


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _holds(data: bytes, words: list[str]) -> bool:
    item = _words.decode(data)
    text = _folded(f"{item.headline}\n{item.body_text}\n" + re.sub("<[^>]*>", " ", item.body_html))
    return all(word in text for word in words)


def _cut(page: Listing, since: int | None) -> Listing:
    """The rows from *since* on, as many as fit into a page."""
    size = 0
    rows: list[Row] = []
    for row in page.rows:
        if since is not None and row.member < member(since, ""):
            return Listing(page.head, tuple(rows), "")
        size += len(row.data)
        if rows and size > MAX_PAGE:
            return Listing(page.head, tuple(rows), rows[-1].member)
        rows.append(row)
    return page


def _page_json(page: Listing, *, desk: bool) -> bytes:
    items = [_desk_json(row.data, row.desk, row.state) if desk else row.data for row in page.rows]
    rest = orjson.dumps({"cursor": str(page.head), "next": page.next or None})
    return b'{"items":[' + b",".join(items) + b"]," + rest[1:]


def _desk_json(data: bytes, desk: bytes, state: str) -> bytes:
    """*data* with the desk's members appended."""
    more = orjson.dumps({"state": state, **({"draft": True} if state == "draft" else {})})
    if desk and desk != b"{}":
        more = more[:-1] + b"," + desk[1:]
    return data[:-1] + b"," + more[1:]


def _links(request: Request, following: str) -> str:
    """RFC 8288: the first page of this list, and the next one."""
    path = request.url.path
    rest = [(name, value) for name, value in parse_qsl(request.url.query, keep_blank_values=True) if name != "before"]
    links = [f'<{path}{"?" if rest else ""}{urlencode(rest)}>; rel="first"']
    if following:
        links.append(f'<{path}?{urlencode([*rest, ("before", following)])}>; rel="next"')
    return ", ".join(links)
