"""The client for one server."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote, urlsplit
from uuid import uuid4
from weakref import WeakSet

import httpx2
import orjson

from livefeed.client.answers import error_from, json_from
from livefeed.client.backoff import Backoff
from livefeed.client.credentials import DEFAULT_URL, find_token, is_on_this_machine
from livefeed.client.position import Position
from livefeed.client.reader import FeedReader, Lost
from livefeed.client.types import FeedInfo, Item, ItemPage, Published, Query
from livefeed.exceptions import BadRequest, Conflict, StaleVersion, TooManyRequests, Unavailable

__all__ = ["Livefeed"]


class Livefeed:
    """A client for one server, to be used as an async context manager:

        async with Livefeed("https://live.example.org", token) as lf:
            await lf.publish("world", {"headline": "Something happened."})
            async for event in lf.events("world", last=20):
                print(event.name, event.item)

    While the server is unreachable or busy, each call is repeated for *patience* seconds. Repeating is safe: a change whose
    response was lost is not made twice. *on_retry* is called before each repeat, with the reason and the wait in seconds.
    A refusal is raised as one of `livefeed.exceptions`; a server that stays unreachable as `Unavailable`.
    """

    def __init__(
        self, url: str = DEFAULT_URL, token: str | None = None, *, patience: float = 30.0, on_retry: Lost | None = None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadRequest(f"{url!r} is not the address of a server: it begins with http:// or https:// and a host")
        self.url = url.rstrip("/")
        self._patience = patience
        self._on_retry = on_retry
        headers = {"User-Agent": "livefeed"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        # Readers left by a `break`: their responses must be closed while the event loop still runs.
        self._readers: WeakSet[FeedReader] = WeakSet()
        self._http = httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(10.0, pool=None),
            # Each open stream occupies a connection; with a common limit readers could starve publishing.
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
            # A proxy from the environment must not see the local server's key, and could not reach it.
            trust_env=not is_on_this_machine(url),
        )

    @classmethod
    def from_environment(
        cls, url: str | None = None, token: str | None = None, *, patience: float = 30.0, on_retry: Lost | None = None
    ) -> Self:
        """A client for `LIVEFEED_URL` (default: this machine) with `LIVEFEED_TOKEN` (default: the local server's own key)."""
        url = url or os.environ.get("LIVEFEED_URL") or DEFAULT_URL
        return cls(url, token or find_token(url), patience=patience, on_retry=on_retry)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for reader in list(self._readers):
            await reader.aclose()
        await self._http.__aexit__(kind, error, trace)

    # -- reading

    def events(
        self,
        feed: str,
        *,
        after: str | None = None,
        since: str | None = None,
        last: int | None = None,
        tags: Iterable[str] = (),
        urgency: int | None = None,
        on_lost: Lost | None = None,
    ) -> FeedReader:
        """The live stream of a feed: each event exactly once, in order, across any number of lost connections.

        Starts after the cursor *after*; else at *since* (RFC 3339, or an age such as `15m`); else with a snapshot of the *last*
        N items; else live from now. It is limited to items with any of *tags* that are at least as urgent as *urgency*. A
        `reset` event means that events were lost: discard what is shown and use its `items`; its `data` has `reason` and
        `missed`. `stale` and `fresh` mean that the server cannot read the log, and can again. *on_lost* is called with the
        reason and the wait in seconds when the connection is lost.
        """
        position = Position(after=after, since=since, last=last, tags=tags, urgency=urgency)
        reader = FeedReader(self._http, self._feed(feed, "events"), position, backoff=Backoff(), on_lost=on_lost)
        self._readers.add(reader)
        return reader

    async def feeds(self) -> Sequence[FeedInfo]:
        """The feeds that this key may read."""
        answer = json_from(await self._send("GET", f"{self.url}/v1/feeds"))
        feeds: list[FeedInfo] = answer["feeds"]
        return feeds

    async def get(self, feed: str, item_id: str, *, desk: bool = False) -> Item:
        """The current item, or the tombstone of a withheld or canceled one. *desk*: with the fields that only editors see."""
        item: Item = json_from(await self._send("GET", self._item(feed, item_id), query=_view(desk)))
        return item

    async def list(
        self,
        feed: str,
        *,
        limit: int | None = None,
        before: str | None = None,
        tags: Iterable[str] = (),
        urgency: int | None = None,
        uri: str | None = None,
        q: str | None = None,
        desk: bool = False,
    ) -> ItemPage:
        """One page of current items, newest first; *before* is an earlier page's `next`.

        *desk* is for editors: drafts, embargoed, withheld and canceled items too.
        """
        query: Query = [*_view(desk), *(("tag", tag) for tag in tags)]
        given = {"limit": limit, "before": before, "urgency": urgency, "uri": uri, "q": q}
        query += [(name, str(value)) for name, value in given.items() if value is not None]
        answer = json_from(await self._send("GET", self._feed(feed, "items"), query=query))
        return ItemPage(answer["items"], answer["cursor"], answer.get("next"))

    async def items(
        self, feed: str, *, tags: Iterable[str] = (), urgency: int | None = None, q: str | None = None
    ) -> AsyncGenerator[Item, None]:
        """All current items, newest first, page by page."""
        before: str | None = None
        wanted = tuple(tags)
        while True:
            page = await self.list(feed, limit=100, before=before, tags=wanted, urgency=urgency, q=q)
            for item in page.items:
                yield item
            if page.next is None:
                return
            before = page.next

    # -- publishing

    async def publish(
        self, feed: str, item: Item | Mapping[str, Any], *, key: str | None = None, existing: Literal["update"] | None = None
    ) -> Published:
        """Publish an item.

        *key* is the idempotency key (default: a random one): repeating a call with it within 24 h returns the first result. If
        the item's `uri` exists, the existing item is returned; if its content differs, raises `Conflict`, or updates it with
        *existing* = "update".
        """
        query: Query = [("existing", existing)] if existing else []
        headers = {"Idempotency-Key": key or uuid4().hex}
        return _published(await self._send("POST", self._feed(feed, "items"), query=query, body=item, headers=headers))

    async def update(self, feed: str, item: Item | Mapping[str, Any], *, key: str | None = None) -> Published:
        """Publish an item, as a new version if its `uri` is known."""
        if not item.get("uri"):
            raise BadRequest("an update needs the item's uri: it says which item changes")
        return await self.publish(feed, item, key=key, existing="update")

    async def patch(self, feed: str, item_id: str, changes: Item | Mapping[str, Any], *, version: int) -> Published:
        """Change some fields of an item (RFC 7396: None removes one); `correction` makes it a labelled correction.

        *version* is the version that the change is based on. Raises `StaleVersion` if the item has another one by now.
        """
        headers = {"Content-Type": "application/merge-patch+json", "If-Match": f'"{version}"'}
        sent = _Sent()
        try:
            return _published(await self._send("PATCH", self._item(feed, item_id), body=changes, headers=headers, sent=sent))
        except StaleVersion:
            done = await self._done_before(feed, item_id, changes, sent)
            if done is None or done.item.get("version") != version + 1:
                raise
            return done

    async def hold(self, feed: str, item_id: str, *, reason: str | None = None) -> Published:
        """Withhold an item while it is checked: readers lose its text until `release`."""
        return await self._act(feed, item_id, "hold", reason)

    async def release(self, feed: str, item_id: str, *, changes: Item | Mapping[str, Any] | None = None) -> Published:
        """Make a withheld item usable again, with *changes* applied (a merge patch)."""
        sent = _Sent()
        try:
            return _published(await self._send("POST", f"{self._item(feed, item_id)}/release", body=changes, sent=sent))
        except Conflict:
            done = await self._done_before(feed, item_id, changes or {}, sent)
            if done is None or done.item.get("pubStatus") != "usable":
                raise
            return done

    async def cancel(self, feed: str, item_id: str, *, reason: str | None = None) -> Published:
        """Kill an item permanently."""
        return await self._act(feed, item_id, "cancel", reason)

    async def publish_draft(self, feed: str, item_id: str) -> Published:
        """Publish a draft."""
        return await self._act(feed, item_id, "publish")

    async def _act(self, feed: str, item_id: str, verb: str, reason: str | None = None) -> Published:
        body = {"reason": reason} if reason else None
        return _published(await self._send("POST", f"{self._item(feed, item_id)}/{verb}", body=body))

    async def _done_before(self, feed: str, item_id: str, changes: Item | Mapping[str, Any], sent: _Sent) -> Published | None:
        """The item, if a change whose response was lost turns out to have been made; else None."""
        if not sent.lost:
            return None
        item = await self.get(feed, item_id)
        return Published(None, item) if all(item.get(name) == value for name, value in changes.items()) else None

    # -- requests

    def _feed(self, feed: str, rest: str) -> str:
        return f"{self.url}/v1/feeds/{quote(feed, safe='')}/{rest}"

    def _item(self, feed: str, item_id: str) -> str:
        return self._feed(feed, f"items/{quote(item_id, safe='')}")

    async def _send(
        self,
        method: str,
        url: str,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        sent: _Sent | None = None,
    ) -> httpx2.Response:
        """Send a request and return the response. Repeated while the server is unreachable or busy, which is always safe."""
        content = None if body is None else orjson.dumps(body)
        all_headers = {"Content-Type": "application/json", **(headers or {})} if content is not None else headers
        until = time.monotonic() + self._patience
        backoff = Backoff(base=0.2, cap=5.0)
        while True:
            try:
                response = await self._http.request(method, url, params=query or None, content=content, headers=all_headers)
            except (httpx2.TransportError, httpx2.DecodingError) as error:
                failure: TooManyRequests | Unavailable = Unavailable(
                    f"{self.url} cannot be reached: {str(error) or type(error).__name__}"
                )
                wait = backoff.next()
            else:
                if response.status_code != 429 and response.status_code < 500:
                    return response
                refusal = error_from(response)
                assert isinstance(refusal, TooManyRequests | Unavailable)
                failure, wait = refusal, max(backoff.next(), float(refusal.retry_after))
            if sent is not None:
                sent.lost = True
            if time.monotonic() + wait > until:
                raise failure
            if self._on_retry is not None:
                self._on_retry(str(failure), wait)
            await asyncio.sleep(wait)


class _Sent:
    """Whether a request was sent whose response was lost."""

    lost = False


def _view(desk: bool) -> Query:
    return [("view", "desk")] if desk else []


def _published(response: httpx2.Response) -> Published:
    answer = json_from(response)
    return Published(answer.get("event"), answer["item"], response.status_code == 201)
