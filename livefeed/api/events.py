"""`GET /v1/feeds/{feed}/events`: the live stream as SSE, as WebSocket, and as JSON pages with long-poll."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from livefeed.api.polls import DEFAULT_LIMIT, MAX_LIMIT, MAX_WAIT, Poll
from livefeed.exceptions import BadRequest, NotAcceptable, Unavailable
from livefeed.feeds import check_feed_name
from livefeed.grants import Authority, Caller
from livefeed.hub import Hub
from livefeed.outlets import Outlet, Owner, serve_sse, serve_ws
from livefeed.queries import Query
from livefeed.reader import RESET_ITEMS, Reader, Start
from livefeed.starts import PARAMETERS, Since, read_start

__all__ = ["Events", "Stream", "negotiate"]

SUBPROTOCOL = "cloudevents.json"

_VARY = [(b"vary", b"Accept")]
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
        asked = read_start(query, headers.getlist("last-event-id"), self.hub.terms.now())
        try:
            start = await self._start(feed, scope, *asked, query)
        except Unavailable as error:
            # A browser's EventSource gives up permanently on a 503, but reconnects after a 200 that ends.
            await serve_sse(scope, receive, send, partial(_refuse, feed, self.hub, error), _VARY)
            return
        await serve_sse(scope, receive, send, start, _VARY)

    async def _websocket(self, feed: str, scope: Scope, receive: Receive, send: Send) -> None:
        offered = scope["subprotocols"]
        if offered and SUBPROTOCOL not in offered:
            raise BadRequest(f"none of the subprotocols is supported: offer {SUBPROTOCOL!r} or none")
        # The middleware has redeemed the ticket.
        query = Query(scope["query_string"], (*PARAMETERS, "ticket"))
        asked = read_start(query, Headers(scope=scope).getlist("last-event-id"), self.hub.terms.now())
        chosen = SUBPROTOCOL if offered else None
        try:
            start = await self._start(feed, scope, *asked, query)
        except Unavailable as error:
            await serve_ws(scope, receive, send, partial(_refuse, feed, self.hub, error), chosen)
            return
        await serve_ws(scope, receive, send, start, chosen)

    async def _start(
        self, feed: str, scope: Scope, wanted: Start | Since, items: int | None, query: Query
    ) -> Callable[[Outlet], Owner]:
        """A function that makes the owner of the connection."""
        only = query.only()
        caller: Caller = scope["livefeed.caller"]
        authority: Authority = scope["livefeed.authority"]
        channel = await self.hub.open(feed, caller)
        start = await self.hub.resolve(feed, wanted)

        def begin(outlet: Outlet) -> Owner:
            reader = Reader(channel, outlet, start, only=only, caller=caller, items=RESET_ITEMS if items is None else items)
            stream = Stream(reader)
            if caller.subject:
                stream.release = authority.watch(caller, partial(self._end, reader))
            self.hub.join(reader)
            return stream

        return begin

    def _end(self, reader: Reader, reason: str) -> None:
        self.hub.farewell(reader, reason, _ENDS[reason])

    async def _json(self, feed: str, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        query = Query(scope["query_string"], (*PARAMETERS, "limit", "wait"))
        wanted, items = read_start(query, headers.getlist("last-event-id"), self.hub.terms.now())
        only, limit, wait = query.only(), query.integer("limit", 1, MAX_LIMIT), query.integer("wait", 0, MAX_WAIT)
        caller: Caller = scope["livefeed.caller"]
        channel = await self.hub.open(feed, caller)
        start = await self.hub.resolve(feed, wanted)
        poll = Poll(self.hub, channel, caller, only, RESET_ITEMS if items is None else items, limit or DEFAULT_LIMIT)
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
