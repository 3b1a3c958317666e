"""A proxy between a browser and the server that does to connections what networks and middle boxes do."""

from __future__ import annotations

import asyncio
from typing import Literal

Fault = Literal["none", "bad gateway", "wrong type", "half", "reset", "black hole", "no events", "only polls"]

_ANSWERS: dict[str, bytes] = {
    "bad gateway": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "wrong type": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>log in",
    "half": b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: hello\ndata: {"specversion":"1.0","id":"hel',
}


class Proxy:
    """Forwards what comes to its port, unless a *fault* is set; setting one ends what is open."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._fault: Fault = "none"
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.streams = 0
        """How often a live stream was asked for."""

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def fault(self) -> Fault:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self._fault = fault
        if fault != "black hole":  # in a black hole a connection stays open, and nothing comes through it any more
            self.cut()

    def cut(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        try:
            await self._handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # one side went away, or the proxy does
        finally:
            writer.transport.abort()
            self._open.discard(writer)
            self._tasks.discard(task)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            live = b"/events?" in head or b"/events HTTP" in head
            self.streams += live
            if self._fault == "black hole":
                await reader.read()
                return
            if live and (answer := self._refusal(head)) is not None:
                writer.write(answer)
                await writer.drain()
                return
            await self._forward(head, reader, writer)
            return

    def _refusal(self, head: bytes) -> bytes | None:
        """What a stream is answered; None: it may pass."""
        if self._fault == "reset":
            return b""
        websocket = b"upgrade: websocket" in head.lower()
        polling = b"application/json" in head
        if self._fault == "no events":
            return None if websocket or polling else _ANSWERS["wrong type"]
        if self._fault == "only polls":
            return None if polling else _ANSWERS["bad gateway"]
        return _ANSWERS.get(self._fault)

    async def _forward(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # One request a connection: so each of them is seen.
        upgrade = b"upgrade: websocket" in head.lower()
        head = head if upgrade else head.replace(b"Connection: keep-alive", b"Connection: close")
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._open.add(back)
        back.write(head)
        upstream = asyncio.create_task(self._pump(reader, back))
        try:
            await self._pump(there, writer)
        finally:
            upstream.cancel()
            back.transport.abort()
            self._open.discard(back)
            await asyncio.gather(upstream, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self._fault == "black hole":
                await asyncio.get_running_loop().create_future()  # until the connection is cut
            writer.write(data)
            await writer.drain()
