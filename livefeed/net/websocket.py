"""The WebSocket handshake."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import urllib.parse
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from livefeed.compression import DEFLATE_ANSWER, DEFLATED_FRAMES, accepts_deflate
from livefeed.frames import FRAMES
from livefeed.net.answers import answer, response_head
from livefeed.net.direct import WebSocketOutlet
from livefeed.outlets import HAND_OVER, Headers, Message, Scope, Start
from livefeed.wires import Wire

if TYPE_CHECKING:
    from livefeed.net.http import HttpProtocol

__all__ = ["WebSocketProtocol"]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MAX_EARLY = 64 * 1024


class _GoneError(ConnectionResetError):
    """The client has disconnected, or was already answered."""


logger = logging.getLogger("uvicorn.error")


def _listed(headers: Headers, wanted: bytes) -> str:
    """A field that may come in several lines (RFC 9110, 5.3)."""
    return b",".join([value for name, value in headers if name == wanted]).decode("latin-1")


def _handshake_fault(scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
    """The error in an opening handshake (RFC 6455, 4.2.1)."""
    if scope["method"] != "GET" or scope["http_version"] != "1.1":
        return 400, "a WebSocket begins with GET and HTTP/1.1"
    if b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0":
        return 400, "a WebSocket's handshake has no body"
    if headers.get(b"sec-websocket-version") != b"13":
        return 426, "only version 13 of WebSocket is spoken here"
    try:
        key = base64.b64decode(headers.get(b"sec-websocket-key", b""), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 16:
        return 400, "Sec-WebSocket-Key must be 16 bytes in base64"
    return None


@lru_cache(maxsize=64)
def _head(headers: Headers, subprotocol: str | None, *, deflated: bool) -> bytes:
    """The response to a handshake, with a gap for the answer to its key: the rest is the same within one second."""
    upgrade = [*headers, (b"upgrade", b"websocket"), (b"connection", b"Upgrade")]
    if subprotocol is not None:
        upgrade.append((b"sec-websocket-protocol", subprotocol.encode()))
    if deflated:
        upgrade.append((b"sec-websocket-extensions", DEFLATE_ANSWER))
    return response_head(101, upgrade).replace(b"%", b"%%").removesuffix(b"\r\n") + b"sec-websocket-accept: %b\r\n\r\n"


class WebSocketProtocol(asyncio.Protocol):
    """Runs the application for one handshake, which ends with a hand-over or an HTTP response."""

    def __init__(self, http: HttpProtocol, path: bytes, query: bytes, early: bytes) -> None:
        self.transport = http.transport
        self._network = http.network
        self._server_state = http.server_state
        self._app = http.app
        self._address = http.release()
        self._writable = not http.flow.write_paused
        self._early = early
        self._headers = dict(http.headers)
        self._extensions = _listed(http.headers, b"sec-websocket-extensions")
        self._offered = [name for part in _listed(http.headers, b"sec-websocket-protocol").split(",") if (name := part.strip())]
        self._path = http.root_path + urllib.parse.unquote(path.decode("ascii"))
        self._query = query
        self._scope: dict[str, Any] = {**http.scope, "raw_path": http.root_path.encode() + path}
        self._answer: list[bytes] = []
        self._connecting = True
        self._ended = asyncio.Event()

    def _complete_scope(self) -> None:
        self._scope |= {
            "type": "websocket",
            "asgi": {**self._scope["asgi"], "spec_version": "2.4"},
            "scheme": "wss" if self._scope["scheme"] == "https" else "ws",
            "path": self._path,
            "query_string": self._query,
            "subprotocols": self._offered,
            "extensions": {"websocket.http.response": {}, HAND_OVER: self},
        }

    def begin(self) -> None:
        """Take the transport over and call the application."""
        self.transport.set_protocol(self)
        fault = _handshake_fault(self._scope, self._headers)
        if fault is not None:
            version: Headers = [(b"sec-websocket-version", b"13")] if fault[0] == 426 else []
            self._end(answer(*fault, [*self._server_state.default_headers, *version]))
            return
        self._server_state.connections.add(self)  # type: ignore[arg-type]  # the server calls shutdown() on it
        self._network.begin(self._start)

    def _start(self) -> None:
        try:
            opened = self._open_at_once()
        except Exception:
            logger.exception("a WebSocket could not be opened")
            self.transport.abort()
            return
        if not opened:
            self._start_task()

    def _open_at_once(self) -> bool:
        doorway = self._network.doorway
        if doorway is None or self._ended.is_set():
            return False
        opening = doorway(self._path, self._query, self._scope["headers"], self._offered)
        return opening is not None and self.websocket(opening.subprotocol, opening.headers, opening.start)

    def _start_task(self) -> None:
        self._complete_scope()
        task = asyncio.get_running_loop().create_task(self._run())
        self._server_state.tasks.add(task)
        task.add_done_callback(self._server_state.tasks.discard)

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self.receive, self.send)  # uvicorn types its own messages
        except _GoneError:
            pass
        except Exception:
            logger.exception("Exception in ASGI application")
        if not self._ended.is_set():
            self._end(answer(500, "the server failed", self._server_state.default_headers))
        # The scope refers to this object as its extension.
        self._scope = {}

    # ASGI.

    async def receive(self) -> Message:
        if self._connecting:
            self._connecting = False
            return {"type": "websocket.connect"}
        await self._ended.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(self, message: Message) -> None:
        if self._ended.is_set():
            raise _GoneError("the handshake has ended")
        kind = message["type"]
        defaults = self._server_state.default_headers
        if kind == "websocket.close":
            self._end(answer(403, "this WebSocket was refused", defaults))
        elif kind == "websocket.http.response.start":
            headers = [(name, value) for name, value in message.get("headers", []) if name.lower() != b"connection"]
            self._answer = [response_head(message["status"], [*defaults, *headers, (b"connection", b"close")])]
        elif kind == "websocket.http.response.body":
            self._answer.append(message.get("body", b""))
            if not message.get("more_body"):
                self._end(b"".join(self._answer))
        else:
            raise RuntimeError(f"{kind} cannot be sent here: a WebSocket is accepted by a hand-over")

    # The extension.

    def sse(self, headers: Headers, start: Start, /) -> bool:  # noqa: ARG002
        return False

    def websocket(self, subprotocol: str | None, headers: Headers, start: Start, /) -> bool:
        """Respond with 101, hand over, and process data that followed the handshake, in one iteration of the event loop."""
        if self._ended.is_set():
            raise _GoneError("the client went away before it was accepted")
        accept = base64.b64encode(hashlib.sha1(self._headers[b"sec-websocket-key"] + _GUID, usedforsecurity=False).digest())
        deflated = self._network.limits.compression and accepts_deflate(self._extensions)
        wire: Wire = DEFLATED_FRAMES if deflated else FRAMES
        head = _head((*self._server_state.default_headers, *headers), subprotocol, deflated=deflated) % accept
        self._server_state.connections.discard(self)
        self._ended.set()
        outlet = WebSocketOutlet(self.transport, wire, self._network, self._address)
        self._address = None
        outlet.start(head, start, writable=self._writable)
        if self._early:
            outlet.data_received(self._early)
        return True

    # The transport.

    def data_received(self, data: bytes) -> None:
        # A client must not send before the response. Data that arrives early is processed after it.
        self._early += data
        if len(self._early) > _MAX_EARLY:
            self._end(b"")

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._network.counters.connections -= 1
        self._network.leave(self._address)
        self._server_state.connections.discard(self)
        self._ended.set()

    def shutdown(self) -> None:
        """The server is stopping: the client has to reconnect."""
        self._end(answer(503, "the server is going away", [*self._server_state.default_headers, (b"retry-after", b"1")]))

    def _end(self, last_words: bytes) -> None:
        self._ended.set()
        self.transport.write(last_words)
        self.transport.close()
