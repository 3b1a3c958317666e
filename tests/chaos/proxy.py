"""The chaos proxy: a relay between two programs that does to their bytes what networks do."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Faults", "Proxy"]


@dataclass(slots=True)
class Faults:
    """What is wrong at the moment; it may be changed while connections are open."""

    latency: float = 0.0
    """Seconds by which each piece is late, and up to as many again."""
    slices: int = 0
    """Pieces are cut into so many bytes; 0: not at all."""
    black_hole: bool = False
    """Nothing comes through, and nobody is told."""
    refuse: bool = False
    """New connections are reset."""
    cut_after: int = 0
    """A connection is reset when so many bytes of answers have come through; 0: never."""
    cut_reply_of: bytes = b""
    """A connection that sends this is reset in place of the next answer."""
    cuts: int = 0
    """How many replies of that kind are still to be cut."""
    cut: int = 0
    """How many were."""


class Proxy:
    """Listens on *listen* and relays to *target*, both paths of unix sockets or ports of this machine."""

    def __init__(self, listen: Path | int, target: Path | int) -> None:
        self.listen = listen
        self.target = target
        self.faults = Faults()
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()

    async def start(self) -> None:
        serve, listen = self._serve, self.listen
        if isinstance(listen, Path):
            self._server = await asyncio.start_unix_server(serve, str(listen))
        else:
            self._server = await asyncio.start_server(serve, "127.0.0.1", listen)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self.faults.black_hole = False
            while self._links:
                self.reset()
                await asyncio.sleep(0.01)
            await self._server.wait_closed()

    def reset(self) -> None:
        """Reset every connection."""
        for link in list(self._links):
            link.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.faults.refuse:
            _reset(writer)
            return
        try:
            far = await self._connect()
        except OSError:
            _reset(writer)
            return
        link = _Link(self.faults, (reader, writer), far)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(str(self.target))
        return await asyncio.open_connection("127.0.0.1", self.target)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One connection, relayed in both directions."""

    def __init__(self, faults: Faults, near: Streams, far: Streams) -> None:
        self._faults = faults
        self._near = near
        self._far = far
        self._answered = 0
        self._cut_next = False

    async def run(self) -> None:
        asked = asyncio.create_task(self._relay(self._near[0], self._far[1], self._ask))
        answered = asyncio.create_task(self._relay(self._far[0], self._near[1], self._answer))
        await asyncio.wait({asked, answered}, return_when=asyncio.FIRST_COMPLETED)
        for task in (asked, answered):
            task.cancel()
        await asyncio.gather(asked, answered, return_exceptions=True)
        for writer in (self._near[1], self._far[1]):
            writer.close()

    def reset(self) -> None:
        _reset(self._near[1])
        _reset(self._far[1])

    def _ask(self, data: bytes) -> bool:
        if self._faults.cuts > 0 and self._faults.cut_reply_of in data and self._faults.cut_reply_of:
            self._faults.cuts -= 1
            self._cut_next = True
        return True

    def _answer(self, data: bytes) -> bool:
        """Whether *data* comes through."""
        self._answered += len(data)
        if self._cut_next or 0 < self._faults.cut_after < self._answered:
            self._faults.cut += 1
            self.reset()
            return False
        return True

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], bool]) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if self._faults.latency:
                    await asyncio.sleep(self._faults.latency * (1 + random.random()))
                while self._faults.black_hole:  # noqa: ASYNC110  # a fault is a plain value, for who sets it
                    await asyncio.sleep(0.02)
                if not look(data):
                    return
                for start in range(0, len(data), self._faults.slices or len(data)):
                    writer.write(data[start : start + (self._faults.slices or len(data))])
                    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST in place of FIN, as a crash does."""
    plug: socket.socket | None = writer.get_extra_info("socket")
    if plug is not None:
        with contextlib.suppress(OSError):
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if (transport := writer.transport) is not None:
        transport.abort()
