"""A real server with a tiny owner behind each connection, and a client that sees every byte."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qs

import uvicorn
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from livefeed.eventstream import EventStreamParser, ServerSentEvent
from livefeed.net import ConnectionLimits, HttpProtocol, Network
from livefeed.outlets import Message, Outlet, Receive, Scope, Send, refuse_websocket, serve_sse, serve_ws

T = TypeVar("T")
Kind = Literal["direct-uvloop", "direct-asyncio", "plain-uvloop"]
KINDS: tuple[Kind, ...] = ("direct-uvloop", "direct-asyncio", "plain-uvloop")


class TinyOwner:
    """Remembers what its outlet told it, and greets with what it was given."""

    def __init__(self, outlet: Outlet, greeting: bytes) -> None:
        self.outlet = outlet
        self.told: list[object] = []
        self.news = threading.Event()
        if greeting:
            outlet.write(greeting)

    def pause(self) -> None:
        assert not self.outlet.writable
        self._tell("pause")

    def resume(self) -> None:
        assert self.outlet.writable
        self._tell("resume")

    def closed(self) -> None:
        assert not self.outlet.writable
        self._tell("closed")

    def receive(self, message: str | bytes, /) -> None:
        self._tell(message)

    def _tell(self, what: object) -> None:
        self.told.append(what)
        self.news.set()

    def wait_for(self, what: object) -> None:
        while what not in self.told:
            assert self.news.wait(10), f"{what!r} never came; so far {self.told!r}"
            self.news.clear()


class Served:
    """A server in a thread of its own. Every connection that is served has an entry in `owners`."""

    def __init__(self, kind: Kind, limits: ConnectionLimits | None = None, **options: Any) -> None:
        self.kind = kind
        self.network = Network(limits)
        self.owners: list[TinyOwner] = []
        self.joined = threading.Semaphore(0)
        self.greeting = b""
        self.heard: SimpleQueue[str] = SimpleQueue()
        self.go_on = asyncio.Event()
        direct = kind.startswith("direct")
        self.config = uvicorn.Config(
            self.app,
            http=HttpProtocol.on(self.network) if direct else "httptools",
            ws="none" if direct else "websockets-sansio",
            loop="asyncio" if kind.endswith("asyncio") else "uvloop",
            log_config=None,
            lifespan="off",
            interface="asgi3",
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=1,
            **options,
        )
        self.socket = socket.create_server(("127.0.0.1", 0))
        # Small and inherited, so that a peer that takes nothing shows soon.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
        self.port: int = self.socket.getsockname()[1]
        self.server = uvicorn.Server(self.config)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.errors: list[dict[str, Any]] = []
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: self.server.run([self.socket]))

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        query = parse_qs(scope["query_string"].decode())
        if path == "/stream":
            await serve_sse(scope, receive, send, self.start, [(b"x-test", b"yes")])
        elif path == "/ws":
            await serve_ws(scope, receive, send, self.start, query.get("subprotocol", [None])[0])
        elif path == "/refuse":
            await refuse_websocket(scope, send, 429, [(b"retry-after", b"3")], b"later")
        elif path == "/broken":
            raise ZeroDivisionError
        elif path == "/unread":
            await self.go_on.wait()
            await self.plain(scope, receive, send)
        elif path == "/never":
            await self.never(receive)
        else:
            await self.plain(scope, receive, send)

    async def never(self, receive: Receive) -> None:
        """Wait until the client has gone."""
        while True:
            message = await receive()
            self.heard.put(message["type"])
            if message["type"].endswith(".disconnect"):
                return

    async def plain(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        more = scope["type"] == "http"
        while more:
            message: Message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        text = f"{scope['method']} {scope['client'][0]} {scope['scheme']} {len(body)}".encode()
        if scope["path"] in ("/big", "/big-at-once"):
            text = b"x" * 1_000_000
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
        if scope["path"] == "/big-at-once":
            await send({"type": "http.response.body", "body": text})
            return
        await send({"type": "http.response.body", "body": text, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        self.heard.put("answered")

    def start(self, outlet: Outlet) -> TinyOwner:
        owner = TinyOwner(outlet, self.greeting)
        self.owners.append(owner)
        self.joined.release()
        return owner

    def forget(self) -> None:
        """End what a test left behind, so that the next one finds a server as new."""
        self.end_all()
        self.owners.clear()
        self.joined = threading.Semaphore(0)
        self.greeting = b""
        self.heard = SimpleQueue()
        self.__dict__.pop("start", None)
        assert self.errors == []

    def end_all(self) -> None:
        for owner in self.owners:
            if "closed" not in owner.told:
                self.call(owner.outlet.abort)
                owner.wait_for("closed")

    def owner(self) -> TinyOwner:
        """The owner of the connection that was served last."""
        assert self.joined.acquire(timeout=10), "no connection was served"
        return self.owners[-1]

    def call(self, function: Callable[[], T]) -> T:
        """Run *function* where the connections live."""

        async def run() -> T:
            return function()

        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    async def notify(self) -> None:
        if self.loop is None:
            self.loop = asyncio.get_running_loop()
            self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
            self.ready.set()


@contextmanager
def served(kind: Kind, limits: ConnectionLimits | None = None, **options: Any) -> Iterator[Served]:
    server = Served(kind, limits, **options)
    server.config.callback_notify = server.notify
    server.config.timeout_notify = 0
    server.thread.start()
    try:
        assert server.ready.wait(10), "the server did not start"
        yield server
    finally:
        server.end_all()
        server.server.should_exit = True
        server.thread.join(20)
        server.socket.close()
    assert not server.thread.is_alive()
    assert server.errors == []
    assert server.network.counters.connections == 0
    counters = server.network.counters
    assert (counters.readers_sse, counters.readers_websocket, len(server.network)) == (0, 0, 0)


class Client:
    """A socket that speaks HTTP, SSE and WebSocket as the test says."""

    def __init__(self, server: Served, *, receive_buffer: int | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", server.port))
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.parser = EventStreamParser()
        self.unread = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def get(self, path: str, *headers: str, method: str = "GET", version: str = "1.1") -> str:
        """Send a request and return the head of its answer."""
        self.send("\r\n".join([f"{method} {path} HTTP/{version}", "Host: x", *headers, "", ""]).encode())
        return self.head()

    def open_websocket(self, path: str = "/ws", *headers: str, early: bytes = b"") -> str:
        lines = [f"GET {path} HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: keep-alive, Upgrade"]
        lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *headers, "", ""]
        self.send("\r\n".join(lines).encode() + early)
        return self.head()

    def head(self) -> str:
        while b"\r\n\r\n" not in self.unread:
            self._more()
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        return head.decode("latin-1").lower()

    def read(self, size: int) -> bytes:
        while len(self.unread) < size:
            self._more()
        data, self.unread = self.unread[:size], self.unread[size:]
        return data

    def read_to_end(self) -> bytes:
        """Whatever comes until the server closes."""
        while chunk := self.socket.recv(65536):
            self.unread += chunk
        return self.unread

    def _more(self) -> None:
        chunk = self.socket.recv(65536)
        if not chunk:
            raise EOFError(f"the connection ended after {self.unread!r}")
        self.unread += chunk

    def events(self, count: int, *, chunked: bool = False) -> list[ServerSentEvent]:
        events: list[ServerSentEvent] = []
        while len(events) < count:
            if not self.unread:
                self._more()
            if chunked:
                while b"\r\n" not in self.unread:
                    self._more()
                size, _, self.unread = self.unread.partition(b"\r\n")
                events += self.parser.feed(self.read(int(size, 16)))
                self.read(2)
            else:
                events += self.parser.feed(self.unread)
                self.unread = b""
        assert len(events) == count
        return events

    def send_frame(self, opcode: Opcode, payload: bytes = b"") -> None:
        self.send(Frame(opcode, payload).serialize(mask=True))

    def frame(self) -> Frame:
        reader = StreamReader()
        reader.feed_data(self.unread)
        parsing = Frame.parse(reader.read_exact, mask=False)
        while True:
            try:
                next(parsing)
            except StopIteration as stop:
                self.unread = bytes(reader.buffer)
                frame: Frame = stop.value
                return frame
            self.unread = b""
            self._more()
            reader.feed_data(self.unread)
