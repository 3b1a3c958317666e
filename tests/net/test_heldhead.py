"""The head of a response goes out with the first piece of its body, or alone when that is not there yet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from livefeed.net.heldhead import HeldHead


class Wire(asyncio.Transport):
    """Notes what would be given to the kernel at once."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.writes.append(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def response(wire: Wire) -> HeldHead:
    return HeldHead(wire, asyncio.get_running_loop())


async def test_head_and_body_are_one_write_and_what_follows_is_not_held(wire: Wire, response: HeldHead) -> None:
    response.write(b"head ")
    assert wire.writes == []
    response.write(b"body")
    response.write(b"more")
    assert wire.writes == [b"head body", b"more"]
    await asyncio.sleep(0)
    assert wire.writes == [b"head body", b"more"]


async def test_a_head_does_not_wait_for_a_body_that_is_not_there_yet(wire: Wire, response: HeldHead) -> None:
    response.write(b"head")
    await asyncio.sleep(0)
    assert wire.writes == [b"head"]
    response.write(b"body")
    assert wire.writes == [b"head", b"body"]


async def test_closing_writes_what_is_held(wire: Wire, response: HeldHead) -> None:
    response.write(b"head")
    response.close()
    await asyncio.sleep(0)
    assert wire.writes == [b"head"]
    assert response.is_closing()


async def test_nothing_is_written_to_a_connection_that_has_gone(wire: Wire, response: HeldHead) -> None:
    response.write(b"head")
    wire.close()
    await asyncio.sleep(0)
    assert wire.writes == []
