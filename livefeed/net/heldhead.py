"""The head of a response, held until the first piece of its body."""

from __future__ import annotations

import asyncio

__all__ = ["HeldHead"]


class HeldHead(asyncio.Transport):
    """The transport of one response, whose head uvicorn writes by itself: joined with the body it saves a system call.

    Only the first write is held, and only for this iteration of the event loop, so that a slow peer still pauses the response.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held: bytes | bytearray | memoryview | None = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._held is None:
            self._transport.write(data)
        elif not self._held:
            self._held = data
            self._loop.call_soon(self._flush)
        else:
            held, self._held = self._held, None
            self._transport.writelines((held, data))

    def _flush(self) -> None:
        held, self._held = self._held, None
        if held and not self._transport.is_closing():
            self._transport.write(held)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._flush()
        self._transport.close()
