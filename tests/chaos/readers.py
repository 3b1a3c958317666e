"""Readers as cheap as they can be, so that hundreds of them leave the machine to the server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import random
import time

from tests.chaos.ledger import Heard, Ledger

__all__ = ["Reader", "SseReader", "WebSocketReader"]


HEAD = b'{"specversion":"1.0","id":"'


class Reader(asyncio.Protocol):
    """One reader of one feed that always comes back with its last position."""

    def __init__(self, port: int, feed: str, ledger: Ledger, *, position: str | None = "0-0") -> None:
        self.port = port
        self.feed = feed
        self.heard = Heard(ledger, position or "0-0")
        self.first = position
        self.status = b""
        self._transport: asyncio.Transport | None = None
        self._ended: asyncio.Future[None] | None = None
        self._buffer = b""
        self._headed = False

    # -- its life

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._ended = loop.create_future()
            self._buffer, self._headed = b"", False
            with contextlib.suppress(OSError):
                await loop.create_connection(lambda: self, "127.0.0.1", self.port)
                self.heard.connections += 1
                try:
                    await self._ended
                finally:
                    if self._transport is not None:
                        self._transport.abort()
            await asyncio.sleep(random.uniform(0.02, 0.15))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.ask(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    @property
    def path(self) -> str:
        position = self.heard.position if self.heard.connections or self.first is not None else None
        return f"/v1/feeds/{self.feed}/events" + (f"?after={position}" if position is not None else "")

    def ask(self, transport: asyncio.Transport) -> None:
        raise AssertionError("a reader is one of a kind")

    # -- what it hears

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._headed:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            self._headed, self._buffer, self.status = True, rest, head.split(b" ", 2)[1]
            if self.status not in (b"200", b"101"):
                assert self._transport is not None
                self._transport.close()
                return
        self.parse()

    def parse(self) -> None:
        raise AssertionError("a reader is one of a kind")

    def told(self, name: str, data: bytes) -> None:
        self.heard.control(name, data, time.monotonic())


class SseReader(Reader):
    def ask(self, transport: asyncio.Transport) -> None:
        transport.write(f"GET {self.path} HTTP/1.1\r\nHost: livefeed\r\nAccept: text/event-stream\r\n\r\n".encode())

    def parse(self) -> None:
        *blocks, self._buffer = self._buffer.split(b"\n\n")
        for block in blocks:
            if block.startswith(b"id: "):
                line, _, data = block.partition(b"\ndata: ")
                self.heard.event(line[4:].decode(), data)
            elif block.startswith(b"event: "):
                self.told(block[7 : block.index(b"\n")].decode(), block[block.index(b"data: ") + 6 :])


class WebSocketReader(Reader):
    def ask(self, transport: asyncio.Transport) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET {self.path} HTTP/1.1\r\nHost: livefeed\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        transport.write(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())

    def parse(self) -> None:
        at, buffer = 0, self._buffer
        while len(buffer) - at >= 2:
            size, begin = buffer[at + 1] & 0x7F, at + 2
            if size == 126:
                size, begin = int.from_bytes(buffer[at + 2 : at + 4]), at + 4
            elif size == 127:
                size, begin = int.from_bytes(buffer[at + 2 : at + 10]), at + 10
            if len(buffer) < begin + size:
                break
            self._frame(buffer[at] & 0x0F, buffer[begin : begin + size])
            at = begin + size
        self._buffer = buffer[at:]

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == 1:
            name = payload[len(HEAD) : payload.index(b'"', len(HEAD))].decode()
            if name[0].isdigit():
                self.heard.event(name, payload)
            else:
                self.told(name.partition("-")[0], payload)
        elif opcode == 9 and self._transport is not None:
            # RFC 6455, 5.3: a client's frames are masked, with zeroes if it likes.
            self._transport.write(bytes([0x8A, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
