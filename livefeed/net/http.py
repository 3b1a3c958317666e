"""A uvicorn HTTP protocol with request deadlines, limits, and the hand-over of connections to readers."""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from enum import Enum
from functools import partial
from typing import Any, ClassVar, Self, cast

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from livefeed.net.answers import answer, come_again
from livefeed.net.handover import StreamHandOver
from livefeed.net.heldhead import HeldHead
from livefeed.net.network import Network
from livefeed.net.websocket import WebSocketProtocol
from livefeed.outlets import HAND_OVER, Scope
from livefeed.proxies import is_secure

__all__ = ["HttpProtocol"]

_COME_AGAIN = (5, 30)
"""Seconds. Randomised, because clients that are rejected together must not return together."""

logger = logging.getLogger("uvicorn.error")
_MAX_AHEAD = 16
"""Pipelined requests: each is buffered completely."""


class _Part(Enum):
    """The part of a request that the next byte belongs to."""

    NONE = "none"
    HEAD = "head"
    BODY = "body"


class HttpProtocol(HttpToolsProtocol):
    """Give `HttpProtocol.on(network)` to uvicorn as `http=`, with `ws="none"` and `proxy_headers=False`: it does both itself."""

    network: ClassVar[Network]

    @classmethod
    def on(cls, network: Network) -> type[Self]:
        """The protocol class for all connections of *network*. uvicorn creates the instances, and passes no custom arguments."""
        return type(cls.__name__, (cls,), {"network": network})

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._address: str | None = None
        self._refused = False
        self._part = _Part.NONE
        self._head_size = 0
        self._step = 0  # body bytes since its deadline was last extended
        # Bytes since the last body data: chunk sizes, chunk extensions and trailer fields.
        self._between = 0
        self._fault: tuple[int, str] | None = None
        self._deaf = False  # further input is ignored
        # The request that is being answered; uvicorn's `cycle` is the one that was read last, which may wait behind it.
        self._answered: RequestResponseCycle | None = None
        # The hand-over that was offered to the request that was read last.
        self.offer: StreamHandOver | None = None

    # The connection.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self.network.counters.connections += 1
        limit = self.network.limits.connections
        if limit is not None and self.network.counters.connections > limit:
            # Nothing is read or written: the remaining file descriptors are reserved for connected clients.
            self.network.counters.refused += 1
            transport.abort()
            return
        if self.client is not None:
            self._count(self.client[0])
        self.network.await_head(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._answered is not None:
            _disconnect(self._answered)
        self.network.counters.connections -= 1
        self.network.received(self)
        self.network.level(self)
        self.network.leave(self._address)
        self._address = None
        self._forget()

    def _forget(self) -> None:
        """Break the reference cycles of protocol, request and offer."""
        self.offer = self._answered = None
        self.cycle = self.scope = None  # type: ignore[assignment]  # as uvicorn initialises them
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        before = self._part
        if before is _Part.BODY:
            self._between += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(*(self._fault or (400, "this is not a valid HTTP request")))
        else:
            self._check_sizes(before, len(data))

    def _check_sizes(self, before: _Part, size: int) -> None:
        """The parser buffers a field of any length until its end, so this cannot wait for the end of a head or trailer."""
        limit = self.network.limits.max_head
        if self._part is _Part.HEAD and before is not _Part.BODY:
            self._head_size += size
            if self._head_size > limit:
                self._refuse(431, f"the head of a request is limited to {limit} bytes")
        elif self._part is _Part.BODY and self._between > limit:
            self._refuse(431, f"what is between the pieces of a body, and behind it, is limited to {limit} bytes")

    def pause_writing(self) -> None:
        super().pause_writing()
        self.network.behind_with_answer(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.network.level(self)

    def waiting(self) -> int:
        return self.transport.get_write_buffer_size()

    def abort(self) -> None:
        self.transport.abort()

    def out_of_time(self) -> None:
        if self.flow.read_paused:
            # The application has not read the body yet, so the delay is not the client's.
            self.network.await_body(self)
            return
        self.network.counters.connections_timed_out += 1
        if self._part is _Part.NONE:
            self.transport.close()
        else:
            self._refuse(408, "the request did not arrive in time")

    # Parser callbacks.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._part = _Part.HEAD
        self._head_size = 0
        self.network.await_head(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailer fields are not header fields: they have not been checked (RFC 9110, 6.5.1).
        if self._part is _Part.HEAD:
            # The parser leaves the whitespace behind a value, which is no part of it (RFC 9110, 5.5).
            super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        self._step = self._between = 0
        self._fault = self._fault_of_head()
        if self._fault is not None:
            raise httptools.HttpParserError(self._fault[1])
        self.network.await_body(self)
        super().on_headers_complete()
        self._part = _Part.BODY
        self.offer = None
        if self.scope["method"] == "GET" and "path" in self.scope:
            self.offer = StreamHandOver(self)
            cast(Scope, self.scope)["extensions"] = {HAND_OVER: self.offer}

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._between = 0
        self._step += len(body)
        if self._step >= self.network.limits.body_step:
            self._step = 0
            self.network.await_body(self)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._part = _Part.NONE
        self.network.received(self)
        if self.cycle is not None and self.cycle.response_complete:
            self.network.await_request(self, self.timeout_keep_alive)

    def _fault_of_head(self) -> tuple[int, str] | None:
        size, hosts = len(self.url), 0
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            hosts += name == b"host"
        if size > self.network.limits.max_head:
            return 431, f"the head of a request is limited to {self.network.limits.max_head} bytes"
        if not self.url.isascii():
            return 400, "a request's target must be ASCII"
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            return 400, "a request needs exactly one Host header"
        if len(self.pipeline) >= _MAX_AHEAD:
            return 400, "too many pipelined requests"
        if self.network.limits.proxies:
            self._believe_proxies()
        if self._refused:
            return 429, "too many connections from this address"
        return None

    def _believe_proxies(self) -> None:
        if self.client is None:
            return
        forwarded = [value.decode("latin-1") for name, value in self.headers if name == b"x-forwarded-for"]
        address = self.network.limits.proxies.client(self.client[0], forwarded)
        if address is None or address == self.client[0]:
            return
        self._count(address)
        self.scope["client"] = (address, 0)
        if is_secure(value.decode("latin-1") for name, value in self.headers if name == b"x-forwarded-proto"):
            self.scope["scheme"] = "https"

    def _count(self, address: str) -> None:
        """Count this connection towards *address* only."""
        if address == self._address:
            return
        self.network.leave(self._address)
        # Thousands of readers may share an address: share the string, too.
        self._address = sys.intern(address) if self.network.enter(address) else None
        self._refused = self._address is None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answered = cycle
        if self._asks_for_stream():
            self.network.begin(partial(self._start_stream, cycle, app))
        else:
            # Behind the head of a HEAD request comes nothing.
            if cycle.scope["method"] != "HEAD":
                cycle.transport = HeldHead(self.transport, self.loop)
            # Neither a producer nor a health check waits behind a herd of readers.
            super()._start_asgi_task(cycle, app)

    def _start_stream(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        try:
            opened = cycle is self.cycle and self._open_at_once()
        except Exception:
            logger.exception("a stream could not be opened")
            self.transport.abort()
            return
        if not opened:
            super()._start_asgi_task(cycle, app)

    def _open_at_once(self) -> bool:
        doorway, offer, scope = self.network.doorway, self.offer, self.scope
        if doorway is None or offer is None:
            return False
        opening = doorway(scope["path"], scope["query_string"], self.headers)
        if opening is None or not offer.sse(opening.headers, opening.start):
            return False
        # As the end of the application's task would do.
        self._forget()
        return True

    def _asks_for_stream(self) -> bool:
        return any(name == b"accept" and b"text/event-stream" in value for name, value in self.headers)

    # The end of a request.

    def on_response_complete(self) -> None:
        """As in uvicorn, which sets and stops a timer for each response: here the network ends idle connections."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._part is _Part.NONE:
            self.network.await_request(self, self.timeout_keep_alive)

    def _refuse(self, status: int, detail: str) -> None:
        """Respond and close; without a response if it would be taken for that of another request."""
        cycle = self.cycle
        if cycle is None:
            due = True
        elif self._part is _Part.BODY:
            due = not (cycle.response_started or self.pipeline)
        else:
            due = cycle.response_complete
        if due:
            self.transport.write(self._last_words(status, detail))
        if cycle is not None:
            _disconnect(cycle)
        self._deaf = True
        self.transport.close()

    def _last_words(self, status: int, detail: str) -> bytes:
        defaults = self.server_state.default_headers
        if status != 429:
            return answer(status, detail, defaults)
        seconds = random.randint(*_COME_AGAIN)  # noqa: S311  # spreads readers, hides nothing
        if self._asks_for_stream():
            return come_again(seconds * 1000, defaults)
        return answer(status, detail, [*defaults, (b"retry-after", b"%d" % seconds)])

    def _should_upgrade_to_ws(self) -> bool:
        return True

    def _upgrade(self, unread: bytes) -> None:
        if not self._should_upgrade():
            # The request is served without upgrading, but the following bytes may be in the other protocol: not an HTTP request.
            self._deaf = True
            self.cycle.keep_alive = False
            return
        if self.cycle is not None and not self.cycle.response_complete:
            # The response to an earlier request would end up between the frames.
            self._refuse(400, "a WebSocket handshake must not be pipelined")
            return
        try:
            url = httptools.parse_url(self.url)
        except httptools.HttpParserInvalidURLError:
            self._refuse(400, "this is not a valid HTTP request")
            return
        protocol = WebSocketProtocol(self, url.path or b"", url.query or b"", unread)
        protocol.begin()

    def release(self) -> str | None:
        """Release the connection, which continues with another protocol. Returns the address that it counts towards."""
        self.connections.discard(self)
        self.network.received(self)
        self.network.level(self)
        self.server_state.total_requests += 1
        self.parser = None  # type: ignore[assignment]  # as uvicorn does, to break the cycle
        self.offer = None
        address, self._address = self._address, None
        return address


def _disconnect(cycle: RequestResponseCycle) -> None:
    if not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()
