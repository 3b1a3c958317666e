"""Outlets: how the hub reaches one connection.

A connection has an outlet, and the outlet has an owner: the reader or session that it serves. There are two kinds. With the
server's own protocols the connection is handed over, and data is written directly to its transport (`livefeed.net`). On any
other ASGI server the outlets below buffer what the server's `send` has not accepted yet. Both behave the same.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, NamedTuple, Protocol

from livefeed.eventstream import SSE
from livefeed.frames import FRAMES, unframe
from livefeed.wires import Wire

__all__ = [
    "HAND_OVER",
    "HandOver",
    "Headers",
    "Message",
    "Opening",
    "Outlet",
    "Owner",
    "Receive",
    "Scope",
    "Send",
    "Start",
    "refuse_websocket",
    "serve_sse",
    "serve_ws",
    "stream_head",
]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]


class Owner(Protocol):
    """The owner of an outlet. The outlet calls it synchronously, also from within `write`."""

    def pause(self) -> None:
        """The connection is slow: further writes are only buffered in memory."""

    def resume(self) -> None:
        """The connection accepts more, and `writable` is true again. Also called after the start, without a preceding pause."""

    def closed(self) -> None:
        """The connection is closed, by either side. Called exactly once, and last."""

    def receive(self, message: str | bytes, /) -> None:
        """A text or binary message from a WebSocket client."""


class Outlet(Protocol):
    """One connection, as the hub sees it. It accepts encoded bytes, and its methods never block or raise."""

    wire: Wire
    writable: bool
    """False while the connection is slow, and permanently after `close` and `abort`."""

    def write(self, data: bytes | memoryview, /) -> None:
        """Send *data*, encoded by `wire`; no effect after the end."""

    @property
    def send(self) -> Callable[[bytes], int | None]:
        """As `livefeed.reader.Send`: what can be sent at once, without the detours of `write`."""

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:
        """Send buffered data and *farewell*, then close; a WebSocket with *code* and *reason*."""

    def abort(self) -> None:
        """Close immediately and discard buffered data."""


Start = Callable[[Outlet], Owner]
"""Creates the owner. Called when the outlet accepts writes, and may write immediately."""


class Opening(NamedTuple):
    """What opens a live stream without the application: the headers of the answer, and who becomes its owner."""

    headers: Headers
    start: Start
    subprotocol: str | None = None


HAND_OVER = "livefeed.handover"
"""The ASGI extension with which the server's own protocols offer the connection for hand-over."""


class HandOver(Protocol):
    """Takes the connection over from the server, in one iteration of the event loop; false if this request does not allow it."""

    def sse(self, headers: Headers, start: Start, /) -> bool: ...

    def websocket(self, subprotocol: str | None, headers: Headers, start: Start, /) -> bool: ...


# Proxies must neither buffer nor transform a live stream; nginx has its own header for this.
_SSE_HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]


def stream_head(headers: Headers, added: Headers) -> Headers:
    """The headers of an event stream, with *headers* of its own and those *added* to every response."""
    return (*_SSE_HEADERS, *headers, *added)


async def serve_sse(scope: Scope, receive: Receive, send: Send, start: Start, headers: Headers = ()) -> None:
    """Answer an HTTP request with an event stream. After a hand-over it returns at once, and the stream goes on."""
    hand_over: HandOver | None = scope.get("extensions", {}).get(HAND_OVER)
    # Headers that middlewares add in `send`, which a stream that was handed over bypasses.
    added: Headers = scope.get("livefeed.headers", ())
    if hand_over is not None and scope["method"] != "HEAD" and hand_over.sse(stream_head(headers, added), start):
        return
    await send({"type": "http.response.start", "status": 200, "headers": [*stream_head(headers, ())]})
    if scope["method"] == "HEAD":
        await send({"type": "http.response.body"})
        return
    await _StreamOutlet(SSE, send).serve(receive, start)


async def serve_ws(
    scope: Scope, receive: Receive, send: Send, start: Start, subprotocol: str | None, headers: Headers = ()
) -> None:
    """Accept a WebSocket of which nothing has been received yet. After a hand-over it returns at once."""
    hand_over: HandOver | None = scope.get("extensions", {}).get(HAND_OVER)
    if hand_over is not None and hand_over.websocket(subprotocol, headers, start):
        return
    await receive()
    await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": list(headers)})
    await _WebSocketOutlet(FRAMES, send).serve(receive, start)


async def refuse_websocket(scope: Scope, send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Reject a WebSocket handshake with an HTTP status if the server supports it; otherwise it becomes a 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "websocket.http.response.body", "body": body})


class _BufferedOutlet(ABC):
    """Buffers what the server's `send` has not accepted yet, and pauses the owner at the high-water mark."""

    HIGH_WATER = 64 * 1024
    LOW_WATER = 16 * 1024
    WRITE_TIMEOUT = 60.0

    def __init__(self, wire: Wire, send: Send) -> None:
        self.wire = wire
        self.writable = True
        self._send = send
        self._owner: Owner | None = None
        self._waiting: list[bytes | memoryview] = []
        self._size = 0
        self._wake = asyncio.Event()
        self._ended = False
        self._close = (1000, "")
        self._pumping: asyncio.Task[None] | None = None

    @property
    def send(self) -> Callable[[bytes], None]:
        return self.write

    def write(self, data: bytes | memoryview, /) -> None:
        if self._ended:
            return
        self._keep(data)
        if self.writable and self._size > self.HIGH_WATER:
            self.writable = False
            if self._owner is not None:
                self._owner.pause()

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:
        if self._ended:
            return
        self._keep(farewell)
        self._ended = True
        self.writable = False
        self._close = (code, reason)

    def abort(self) -> None:
        self._ended = True
        self.writable = False
        self._waiting.clear()
        self._wake.set()
        if self._pumping is not None:
            self._pumping.cancel()

    async def serve(self, receive: Receive, start: Start) -> None:
        """Run until either side is done. Once the response has started, the server's task has nothing else to do."""
        owner = self._owner = start(self)
        if not (self.writable or self._ended):
            owner.pause()
        self._pumping = asyncio.create_task(self._pump())
        listening = asyncio.create_task(self._listen(receive, owner))
        try:
            await asyncio.wait({self._pumping, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.abort()
            listening.cancel()
            results = await asyncio.gather(self._pumping, listening, return_exceptions=True)
            owner.closed()
        for result in results:
            # Connections normally end with a client that disconnects or stops reading; anything else is an error in the server.
            if isinstance(result, Exception) and not isinstance(result, OSError):
                raise result

    def _keep(self, data: bytes | memoryview) -> None:
        self._waiting.append(data)
        self._size += len(data)
        self._wake.set()

    async def _pump(self) -> None:
        while self._waiting or not self._ended:
            await self._wake.wait()
            self._wake.clear()
            data = b"".join(self._waiting)
            self._waiting.clear()
            async with asyncio.timeout(self.WRITE_TIMEOUT):
                await self._deliver(data)
            self._size -= len(data)
            if not (self.writable or self._ended) and self._size <= self.LOW_WATER:
                self.writable = True
                if self._owner is not None:
                    self._owner.resume()
        async with asyncio.timeout(self.WRITE_TIMEOUT):
            await self._finish()

    @abstractmethod
    async def _deliver(self, data: bytes) -> None:
        """Send *data*, whole messages of the wire."""

    @abstractmethod
    async def _finish(self) -> None:
        """Send the end of the stream."""

    @abstractmethod
    async def _listen(self, receive: Receive, owner: Owner) -> None:
        """Receive until the client has disconnected."""


class _StreamOutlet(_BufferedOutlet):
    async def _deliver(self, data: bytes) -> None:
        if data:
            await self._tell({"type": "http.response.body", "body": data, "more_body": True})

    async def _finish(self) -> None:
        await self._tell({"type": "http.response.body"})

    async def _tell(self, message: Message) -> None:
        try:
            await self._send(message)
        except RuntimeError as exc:
            # uvloop rejects a write to a connection that has just failed, before the server was notified.
            raise ConnectionResetError(str(exc)) from exc

    async def _listen(self, receive: Receive, owner: Owner) -> None:  # noqa: ARG002  # nobody speaks on an event stream
        # A body is read and discarded: otherwise the server pauses reading, and does not notice the end of the connection.
        while (await receive())["type"] != "http.disconnect":
            pass


class _WebSocketOutlet(_BufferedOutlet):
    async def _deliver(self, data: bytes) -> None:
        for payload in unframe(data):
            await self._send({"type": "websocket.send", "text": payload.decode()})

    async def _finish(self) -> None:
        code, reason = self._close
        await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def _listen(self, receive: Receive, owner: Owner) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            if not self._ended:
                owner.receive(text if text is not None else message["bytes"])
