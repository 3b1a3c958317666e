"""`GET /v1/feeds/{feed}/events`: the live stream as SSE, as WebSocket, and as JSON pages with long-poll."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from livefeed.api.polls import DEFAULT_LIMIT, MAX_LIMIT, MAX_WAIT, Poll
from livefeed.channel import Channel
from livefeed.exceptions import BadRequest, NotAcceptable, Unavailable
from livefeed.feeds import check_feed_name
from livefeed.filters import Filter
from livefeed.grants import Authority, Caller
from livefeed.hub import Hub
from livefeed.outlets import Outlet, Owner, serve_sse, serve_ws
from livefeed.queries import Query
from livefeed.reader import RESET_ITEMS, Reader, Start
from livefeed.starts import PARAMETERS, Since, read_start

__all__ = ["STREAM_VARY", "Asked", "Events", "Stream", "choose_subprotocol", "negotiate", "read_asked"]

SUBPROTOCOL = "cloudevents.json"

STREAM_VARY = [(b"vary", b"Accept")]
_ENDS = {"expired": 4401, "revoked": 4401, "forbidden": 4403}


# Programs and browsers send few different ones.
@lru_cache(maxsize=64)
def negotiate(accept: str) -> str:
    """`sse` or `json`, negotiated by the `Accept` header (RFC 9110, 12.5.1). Raises `NotAcceptable`."""
    best, chosen = 0.0, ""
    for part in (accept or "*/*").split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        kind = _KINDS.get(media, "")
        quality = next((_quality(value[2:]) for value in parameters if value.startswith("q=")), 1.0)
        if kind and (quality > best or (quality == best and kind == "sse" and best > 0)):
            best, chosen = quality, kind
    if not chosen:
        raise NotAcceptable(
            "this resource is available as text/event-stream, application/json and over WebSocket: accept one of them"
        )
    return chosen


_KINDS = {"*/*": "sse", "text/*": "sse", "text/event-stream": "sse", "application/json": "json", "application/*": "json"}


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


class Asked(NamedTuple):
    """What a reader asks for: where to start, how many items a snapshot or reset brings, and which items."""

    start: Start | Since
    items: int
    only: Filter


def read_asked(query: Query, last_event_ids: list[str], now: int) -> Asked:
    """The parameters that all three transports have. Raises `BadRequest`."""
    start, items = read_start(query, last_event_ids, now)
    return Asked(start, RESET_ITEMS if items is None else items, query.only())


def choose_subprotocol(offered: Sequence[str]) -> str | None:
    """The subprotocol of a WebSocket. Raises `BadRequest` if only others are *offered*."""
    if offered and SUBPROTOCOL not in offered:
        raise BadRequest(f"none of the subprotocols is supported: offer {SUBPROTOCOL!r} or none")
    return SUBPROTOCOL if offered else None


class Stream:
    """The owner of a connection with one live stream: its reader, and the watch on its credential."""

    __slots__ = ("reader", "release")

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.release: Callable[[], None] | None = None

    def pause(self) -> None:
        self.reader.pause()

    def resume(self) -> None:
        self.reader.resume()

    def closed(self) -> None:
        if self.release is not None:
            self.release()
        self.reader.closed()

    def receive(self, message: str | bytes, /) -> None:
        """Messages from the client are ignored."""


class _Refused:
    """The owner of a connection that was refused."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def closed(self) -> None: ...

    def receive(self, message: str | bytes, /) -> None: ...


class Events:
    """The endpoint of live streams, for all three transports."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def routes(self) -> list[BaseRoute]:
        path = "/v1/feeds/{feed}/events"
        return [Route(path, self, methods=["GET"]), WebSocketRoute(path, self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        feed = check_feed_name(scope["path_params"]["feed"])
        headers = Headers(scope=scope)
        if scope["type"] == "websocket":
            await self._websocket(feed, scope, receive, send)
        elif negotiate(headers.get("accept", "")) == "sse":
            await self._sse(feed, headers, scope, receive, send)
        else:
            await self._json(feed, headers, scope, receive, send)

    async def _sse(self, feed: str, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        query = Query(scope["query_string"], PARAMETERS)
        asked = read_asked(query, headers.getlist("last-event-id"), self.hub.terms.now())
        try:
            start = await self._start(feed, scope, asked)
        except Unavailable as error:
            # A browser's EventSource gives up permanently on a 503, but reconnects after a 200 that ends.
            await serve_sse(scope, receive, send, partial(_refuse, feed, self.hub, error), STREAM_VARY)
            return
        await serve_sse(scope, receive, send, start, STREAM_VARY)

    async def _websocket(self, feed: str, scope: Scope, receive: Receive, send: Send) -> None:
        chosen = choose_subprotocol(scope["subprotocols"])
        # The middleware has redeemed the ticket.
        query = Query(scope["query_string"], (*PARAMETERS, "ticket"))
        asked = read_asked(query, Headers(scope=scope).getlist("last-event-id"), self.hub.terms.now())
        try:
            start = await self._start(feed, scope, asked)
        except Unavailable as error:
            await serve_ws(scope, receive, send, partial(_refuse, feed, self.hub, error), chosen)
            return
        await serve_ws(scope, receive, send, start, chosen)

    async def _start(self, feed: str, scope: Scope, asked: Asked) -> Callable[[Outlet], Owner]:
        """A function that makes the owner of the connection."""
        caller: Caller = scope["livefeed.caller"]
        channel = await self.hub.open(feed, caller)
        start = await self.hub.resolve(feed, asked.start)
        return partial(self._begin, channel, start, asked, caller, scope["livefeed.authority"])

    def at_once(self, feed: str, asked: Asked) -> Callable[[Outlet], Owner] | None:
        """The same for an anonymous reader; None when something has to be waited for. Raises what the endpoint raises."""
        if isinstance(asked.start, Since):
            return None
        channel = self.hub.opened(feed, Caller.ANONYMOUS)
        return None if channel is None else partial(self._begin, channel, asked.start, asked, Caller.ANONYMOUS, None)

    def _begin(
        self, channel: Channel, start: Start, asked: Asked, caller: Caller, authority: Authority | None, outlet: Outlet
    ) -> Owner:
        reader = Reader(channel, outlet, start, only=asked.only, caller=caller, items=asked.items)
        stream = Stream(reader)
        if authority is not None and caller.subject:
            stream.release = authority.watch(caller, partial(self._end, reader))
        self.hub.join(reader)
        return stream

    def _end(self, reader: Reader, reason: str) -> None:
        self.hub.farewell(reader, reason, _ENDS[reason])

    async def _json(self, feed: str, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        query = Query(scope["query_string"], (*PARAMETERS, "limit", "wait"))
        asked = read_asked(query, headers.getlist("last-event-id"), self.hub.terms.now())
        limit, wait = query.integer("limit", 1, MAX_LIMIT), query.integer("wait", 0, MAX_WAIT)
        caller: Caller = scope["livefeed.caller"]
        channel = await self.hub.open(feed, caller)
        start = await self.hub.resolve(feed, asked.start)
        poll = Poll(self.hub, channel, caller, asked.only, asked.items, limit or DEFAULT_LIMIT)
        authority: Authority = scope["livefeed.authority"]
        release = authority.watch(caller, poll.end)
        try:
            body = await poll.run(start, wait or 0)
        finally:
            release()
        response = Response(body, media_type="application/json", headers={"Cache-Control": "no-store", "Vary": "Accept"})
        await response(scope, receive, send)


def _refuse(feed: str, hub: Hub, error: Unavailable, outlet: Outlet) -> Owner:
    data = {"reason": str(error), "retryMs": hub.spread(error.retry_after * 1_000)}
    farewell = outlet.wire.control(feed, "unavailable", data, now=hub.terms.now())
    outlet.close(1013, "unavailable", farewell)
    return _Refused()
