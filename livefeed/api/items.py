"""The endpoints of items: publish, list, read and change them."""

from __future__ import annotations

import asyncio
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from livefeed.api.batches import MAX_BATCH, NDJSON, from_array, from_lines, publish_all
from livefeed.api.listing import Lists
from livefeed.api.publishing import Publishing, done_json
from livefeed.api.requests import JSON, authority_of, caller_of, expected_version, is_unchanged, media_type, read_body, read_json
from livefeed.exceptions import BadRequest, NotFound, TooLarge, Unavailable
from livefeed.feeds import check_feed_name
from livefeed.grants import Caller, Role
from livefeed.items import MAX_ITEM
from livefeed.items.shapes import Record
from livefeed.log.durability import Durability
from livefeed.log.editor import REASON, Done
from livefeed.log.moves import Current
from livefeed.queries import Query

__all__ = ["WITHDRAWAL", "Items"]

MERGE_PATCH = "application/merge-patch+json"
_DURABILITY = tuple(level.value for level in Durability)
WITHDRAWAL = Record({"reason": REASON}, lambda reason="": reason)
"""The reason given with a hold or a kill."""


class Items:
    def __init__(self, publishing: Publishing, lists: Lists) -> None:
        self._publishing = publishing
        self._editor = publishing.editor
        self._lists = lists

    def routes(self) -> list[Route]:
        items = "/v1/feeds/{feed}/items"
        return [
            Route(items, self.publish, methods=["POST"]),
            Route(items, self._lists.page, methods=["GET"]),
            Route(f"{items}/{{id}}", self.get, methods=["GET"]),
            Route(f"{items}/{{id}}", self.patch, methods=["PATCH"]),
            Route(f"{items}/{{id}}/history", self.history, methods=["GET"]),
            Route(f"{items}/{{id}}/hold", self.hold, methods=["POST"]),
            Route(f"{items}/{{id}}/release", self.release, methods=["POST"]),
            Route(f"{items}/{{id}}/cancel", self.cancel, methods=["POST"]),
            Route(f"{items}/{{id}}/publish", self.publish_draft, methods=["POST"]),
        ]

    # -- publishing

    async def publish(self, request: Request) -> Response:
        feed, caller = check_feed_name(request.path_params["feed"]), caller_of(request)
        caller.require(Role.CONTRIBUTE, feed)
        query = Query(request.scope["query_string"], ("existing", "durability"))
        update = query.choice("existing", ("update",)) is not None
        kind = media_type(request, (JSON, NDJSON))
        key = request.headers.get("idempotency-key", "")
        publish = partial(self._publishing.publish, caller, feed, update=update, durability=_durability(query))
        body = await read_body(request, MAX_BATCH, "the batch" if kind == NDJSON else "the body")
        if kind == NDJSON or body.lstrip()[:1] == b"[":
            if "idempotency-key" in request.headers:
                raise BadRequest("an Idempotency-Key names one item: in a batch, give each item its uri")
            # A large batch takes a tenth of a second to take apart, for which readers must not wait.
            entries = await asyncio.to_thread(from_lines if kind == NDJSON else from_array, body)
            self._charge(request, caller, len(entries))
            creates = caller.is_admin and not await self._exists(feed)
            done = await publish_all(entries, publish, together=not update, creates=creates)
            return Response(done, media_type=NDJSON, headers=_FRESH)
        if len(body) > MAX_ITEM:
            raise TooLarge(f"the item has {len(body):,} bytes: {MAX_ITEM:,} are allowed; shorten its body and give a link")
        self._charge(request, caller, 1)
        return _done(feed, await publish(body, key=key))

    async def _exists(self, feed: str) -> bool:
        try:
            await self._editor.catalog.get(feed)
        except (NotFound, Unavailable):
            return False
        return True

    @staticmethod
    def _charge(request: Request, caller: Caller, count: int) -> None:
        if authority := authority_of(request):
            authority.charge(caller, count)

    # -- reading

    async def get(self, request: Request) -> Response:
        feed = await self._lists.readable(request)
        query = Query(request.scope["query_string"], ("view",))
        desk = query.choice("view", ("desk",)) is not None
        caller = caller_of(request)
        if desk:
            caller.require(Role.EDIT, feed.name)
        item_id = request.path_params["id"]
        stored = await self._editor.items.item(feed.name, item_id)
        current = Current.read(stored)
        if current.first is None and not caller.may(Role.EDIT, feed.name):
            # Only the desk may learn that an unpublished item exists.
            raise NotFound(f"the feed {feed.name!r} has no item {item_id[:80]!r}")
        etag = f'"{current.version}"'
        headers = {"ETag": etag, **self._lists.caching(request, feed)}
        if is_unchanged(request, etag):
            return Response(status_code=304, headers=headers)
        body = await self._lists.for_desk(feed.name, item_id, stored) if desk else stored.data
        return Response(body, media_type=JSON, headers=headers)

    async def history(self, request: Request) -> Response:
        feed, caller = check_feed_name(request.path_params["feed"]), caller_of(request)
        caller.require(Role.EDIT, feed)
        Query(request.scope["query_string"], ())
        item_id = request.path_params["id"]
        stored = await self._editor.items.item(feed, item_id)
        versions = [stored.data, *await self._editor.items.history(feed, item_id)]
        body = b'{"versions":[' + b",".join(versions) + b"]}"
        return Response(body, media_type=JSON, headers={"Cache-Control": "private, no-store"})

    # -- changing

    async def patch(self, request: Request) -> Response:
        feed, caller = check_feed_name(request.path_params["feed"]), caller_of(request)
        caller.require(Role.CONTRIBUTE, feed)
        query = Query(request.scope["query_string"], ("durability",))
        media_type(request, (MERGE_PATCH, JSON))  # a missing body is an error, not an empty patch
        patch = await read_json(request, MAX_ITEM, (MERGE_PATCH, JSON), "the patch")
        self._charge(request, caller, 1)
        item_id, expects = request.path_params["id"], expected_version(request)
        done = await self._publishing.change(
            caller, feed, item_id, "patch", patch=patch, expects=expects, durability=_durability(query)
        )
        return _done(feed, done)

    async def hold(self, request: Request) -> Response:
        feed, item_id, expects = self._addressed(request)
        reason = await _read_reason(request)
        done = await self._publishing.change(caller_of(request), feed, item_id, "hold", reason=reason, expects=expects)
        return _done(feed, done)

    async def cancel(self, request: Request) -> Response:
        feed, item_id, expects = self._addressed(request)
        reason = await _read_reason(request)
        done = await self._publishing.change(caller_of(request), feed, item_id, "cancel", reason=reason, expects=expects)
        return _done(feed, done)

    async def release(self, request: Request) -> Response:
        """Release an item, with the body as a merge patch if there is one."""
        feed, item_id, expects = self._addressed(request)
        patch = await read_json(request, MAX_ITEM, (MERGE_PATCH, JSON), "the patch", optional=True)
        self._charge(request, caller_of(request), 1)
        if patch == {}:
            patch = None
        done = await self._publishing.change(caller_of(request), feed, item_id, "release", patch=patch, expects=expects)
        return _done(feed, done)

    async def publish_draft(self, request: Request) -> Response:
        feed, item_id, expects = self._addressed(request)
        if await read_json(request, MAX_ITEM, optional=True):
            raise BadRequest("publishing a draft takes no body: PATCH it first")
        done = await self._publishing.change(caller_of(request), feed, item_id, "publish-draft", expects=expects)
        return _done(feed, done)

    @staticmethod
    def _addressed(request: Request) -> tuple[str, str, int | None]:
        """The feed, item and expected version of a request that requires an editor."""
        feed = check_feed_name(request.path_params["feed"])
        caller_of(request).require(Role.EDIT, feed)
        Query(request.scope["query_string"], ())
        return feed, request.path_params["id"], expected_version(request)


async def _read_reason(request: Request) -> str:
    given = await read_json(request, MAX_ITEM, optional=True)
    reason: str = WITHDRAWAL.check({} if given is None else given, "")
    return reason


_FRESH = {"Cache-Control": "no-store"}


def _done(feed: str, done: Done) -> Response:
    headers = dict(_FRESH)
    if done.item is not None:
        headers["ETag"] = f'"{done.item.version}"'
        headers["Location" if done.created else "Content-Location"] = f"/v1/feeds/{feed}/items/{done.item.id}"
    return Response(done_json(done), 201 if done.created else 200, headers, JSON)


def _durability(query: Query) -> Durability | None:
    level = query.choice("durability", _DURABILITY)
    return Durability(level) if level else None
