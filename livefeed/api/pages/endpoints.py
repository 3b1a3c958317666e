"""`/`, `/read/{feed}`, `/read/{feed}/{id}` and `/static/…`: the readers' pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from livefeed.api.conditions import is_unchanged
from livefeed.api.formats.page import Publication, is_out
from livefeed.api.pages.assets import Assets
from livefeed.api.pages.rendering import FeedCard, Frame, News, Renderer, offered_tags
from livefeed.api.pages.words import Words, choose_language, is_rtl
from livefeed.api.requests import caller_of
from livefeed.exceptions import BadRequest, Forbidden, NotFound, RequestError, Unauthorized, Unavailable
from livefeed.feeds import check_feed_name
from livefeed.filters import Filter, fold_tag
from livefeed.grants import Caller, Role
from livefeed.items import Item, parse_time
from livefeed.log.catalog import Catalog, Feed
from livefeed.log.changes import is_member, member
from livefeed.log.itemstore import ItemStore
from livefeed.queries import Query
from livefeed.snapshots import Row

__all__ = ["Pages"]

SHOWN = 20
"""Items per page."""
FORWARD = 200
"""Items that are searched for pins, key events and highlights."""
PANEL = 12
"""Items next to an article."""


class Pages:
    """The endpoints of the readers' pages.

    *readers* returns a feed's number of live readers, *now* the time in ms since the epoch. *base* is the server's public URL;
    without it, the URL of each request is used.
    """

    def __init__(
        self,
        catalog: Catalog,
        items: ItemStore,
        readers: Callable[[str], int],
        now: Callable[[], int],
        *,
        base: str = "",
        version: str = "",
    ) -> None:
        self._catalog = catalog
        self._items = items
        self._readers = readers
        self.now = now
        self._base = base.rstrip("/")
        self._version = version
        self.assets = Assets(Path(__file__).parent / "static")
        self.renderer = Renderer(self.assets.path)

    def routes(self) -> list[Route]:
        return [
            Route("/", self.start, methods=["GET"]),
            Route("/read/{feed}", self.reader, methods=["GET"]),
            Route("/read/{feed}/{id}", self.article, methods=["GET"]),
            Route("/static/{path:path}", self.assets.serve, methods=["GET"]),
        ]

    async def start(self, request: Request) -> Response:
        try:
            query = Query(request.scope["query_string"], ("lang",))
            frame = self.frame(request, query.one("lang") or "")
        except BadRequest as error:
            return self.problem(request, error)
        try:
            cards, healthy = await self._cards(caller_of(request)), True
        except Unavailable:
            cards, healthy = [], False
        html = self.renderer.start(frame, cards, healthy=healthy)
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})

    async def _cards(self, caller: Caller) -> list[FeedCard]:
        found = await self._catalog.get_many(await self._catalog.names())
        feeds = [feed for feed in found if feed and (feed.settings.public or caller.may(Role.READ, feed.name))]
        return [await self._card(feed) for feed in feeds[:100]]

    async def _card(self, feed: Feed) -> FeedCard:
        listing = await self._items.newest(feed.name, 1)
        latest = next(iter(_out(listing.rows, self.now())), None)
        return FeedCard(feed.name, feed.settings, feed.head.ms or None, self._readers(feed.name), latest)

    async def reader(self, request: Request) -> Response:
        """A feed: from its newest item, below `before`, or from the item `with`; optionally only items with a `tag`."""
        try:
            feed = await self.readable(request)
            query = Query(request.scope["query_string"], ("before", "with", "tag", "lang"))
            frame = self.frame(request, query.one("lang") or "", feed)
            headers = self._headers(request, feed, frame)
            if is_unchanged(request.headers, headers["ETag"]):
                return Response(status_code=304, headers=headers)
            news = await self._news(feed, frame, query)
        except RequestError as error:
            return self.problem(request, error)
        return HTMLResponse(self.renderer.reader(frame, news), headers=headers)

    async def _news(self, feed: Feed, frame: Frame, query: Query) -> News:
        before, focus, tag = query.one("before"), query.one("with"), query.one("tag")
        if before is not None and not is_member(before):
            raise BadRequest(f"before={before[:40]!r} is not a page position: use the `next` link of a page, unchanged")
        only = Filter(frozenset([fold_tag(tag)])) if tag else Filter.ALL
        place = before or (await self._above(feed.name, focus) if focus else "")
        around = await self._items.newest(feed.name, FORWARD)
        listing = await self._items.newest(feed.name, SHOWN, only=only, before=place)
        now = self.now()
        recent = _out(around.rows, now)
        return News(
            publication=Publication(feed.name, feed.settings, frame.base),
            items=_out(listing.rows, now),
            forward=[item for item in recent if only.passes(frozenset(map(fold_tag, item.tags)), item.urgency)],
            tags=offered_tags(recent, tag or ""),
            cursor=str(min(listing.head, around.head)),
            now=now,
            next=listing.next or None,
            tag=tag or "",
            newest=not place or listing.rows[:1] == around.rows[:1],
            readers=self._readers(feed.name),
        )

    async def _above(self, feed: str, item_id: str) -> str:
        """The list position directly before the item, so that the page begins with it."""
        stored = await self._items.item(feed, item_id)
        created = msgspec.json.decode(stored.data, type=_Created).content_created
        return member(parse_time(created), item_id) + "~"

    async def article(self, request: Request) -> Response:
        try:
            feed = await self.readable(request)
            query = Query(request.scope["query_string"], ("lang",))
            frame = self.frame(request, query.one("lang") or "", feed)
            headers = self._headers(request, feed, frame)
            if is_unchanged(request.headers, headers["ETag"]):
                return Response(status_code=304, headers=headers)
            listing = await self._items.newest(feed.name, PANEL)
            stored = await self._items.item(feed.name, request.path_params["id"])
            if stored.first is None:
                raise NotFound("it is not out yet")
        except RequestError as error:
            return self.problem(request, error, item=True)
        publication = Publication(feed.name, feed.settings, frame.base)
        if stored.state in ("withheld", "canceled"):
            status = 410 if stored.state == "canceled" else 404  # canceled, or withheld
            return HTMLResponse(self.renderer.removed(frame, publication, stored.state), status, headers)
        now = self.now()
        item = msgspec.json.decode(stored.data, type=Item)
        if not is_out(item, now):
            return self.problem(request, NotFound("it has expired"), item=True)
        news = News(publication=publication, items=_out(listing.rows, now), cursor=str(listing.head), now=now)
        return HTMLResponse(self.renderer.article(frame, item, news), headers=headers)

    async def readable(self, request: Request) -> Feed:
        """The feed of the request, if its caller may read it."""
        feed = await self._catalog.get(check_feed_name(request.path_params["feed"]))
        if not feed.settings.public:
            caller_of(request).require(Role.READ, feed.name)
        return feed

    async def current(self, feed: str, limit: int, only: Filter = Filter.ALL) -> list[Item]:
        """The newest public items."""
        return _out((await self._items.newest(feed, limit, only=only)).rows, self.now())

    def frame(self, request: Request, language: str = "", feed: Feed | None = None) -> Frame:
        """The frame of a page for this request."""
        spoken = choose_language(language, request.headers.get("Accept-Language", ""), feed.settings.language if feed else "")
        return Frame(
            words=Words.of(spoken),
            base=self._base or str(request.base_url).rstrip("/"),
            root=request.scope.get("root_path", ""),
            rtl=feed is not None and is_rtl(feed.settings.language),
            may_edit=feed is not None and caller_of(request).may(Role.EDIT, feed.name),
            version=self._version,
        )

    def problem(self, request: Request, error: RequestError, *, item: bool = False) -> Response:
        """The error as an HTML page."""
        frame = self.frame(request)
        words = frame.words
        match error:
            case NotFound() if item:
                html = self.renderer.error(frame, "error.notFound", words("error.notFound.item"))
            case NotFound():
                html = self.renderer.error(
                    frame, "error.notFound", words("error.notFound.feed", feed=request.path_params["feed"])
                )
            case Unauthorized() | Forbidden():
                html = self.renderer.error(frame, "error.forbidden", words("error.forbidden.detail"))
            case Unavailable():
                html = self.renderer.error(frame, "error.unavailable", words("error.unavailable.detail"))
            case _:
                html = self.renderer.error(frame, "error.request", str(error))
        headers = {"Cache-Control": "no-store"}
        if isinstance(error, Unavailable):
            headers["Retry-After"] = str(error.retry_after)
        if isinstance(error, Unauthorized):
            headers["WWW-Authenticate"] = "Bearer"
        return HTMLResponse(html, error.status, headers)

    def _headers(self, request: Request, feed: Feed, frame: Frame) -> dict[str, str]:
        """The headers of a feed's page. The ETag covers all inputs of the page, so that an unchanged page is not rendered."""
        # It includes the current minute, because there is no event when an item expires or is no longer breaking news.
        parts = (feed.head, feed.revision, self.assets.version, request.url.query, frame, self.now() // 60_000)
        shared = feed.settings.public and not caller_of(request).subject
        return {
            "ETag": f'"{blake2b(repr(parts).encode(), digest_size=12).hexdigest()}"',
            # Revalidated each time: a killed text must not survive in a cache.
            "Cache-Control": "public, no-cache" if shared else "private, no-cache",
            "Vary": "Accept-Language, Authorization, Cookie",
        }


class _Created(msgspec.Struct, rename="camel"):
    content_created: str


def _out(rows: Sequence[Row], now: int) -> list[Item]:
    items = [msgspec.json.decode(row.data, type=Item) for row in rows if row.state == "usable"]
    return [item for item in items if is_out(item, now)]
