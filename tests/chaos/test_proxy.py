"""The proxy does what it says, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.chaos.proxy import Proxy


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def proxied(folder: Path) -> AsyncIterator[Proxy]:
    far = await asyncio.start_unix_server(_echo, str(folder / "far"))
    proxy = Proxy(folder / "near", folder / "far")
    await proxy.start()
    yield proxy
    await proxy.stop()
    far.close()
    await far.wait_closed()


async def test_bytes_come_through_in_slices_and_late(short_path: Path) -> None:
    async with proxied(short_path) as proxy:
        proxy.faults.slices, proxy.faults.latency = 1, 0.01
        reader, writer = await asyncio.open_unix_connection(str(short_path / "near"))
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        writer.close()


async def test_a_black_hole_keeps_bytes_and_gives_them_back(short_path: Path) -> None:
    async with proxied(short_path) as proxy:
        proxy.faults.black_hole = True
        reader, writer = await asyncio.open_unix_connection(str(short_path / "near"))
        writer.write(b"hello")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)
        proxy.faults.black_hole = False
        assert await reader.readexactly(5) == b"hello"
        writer.close()


async def test_the_reply_of_one_command_is_cut(short_path: Path) -> None:
    async with proxied(short_path) as proxy:
        proxy.faults.cut_reply_of, proxy.faults.cuts = b"append", 1
        reader, writer = await asyncio.open_unix_connection(str(short_path / "near"))
        writer.write(b"read")
        assert await reader.readexactly(4) == b"read"
        writer.write(b"append")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        assert (proxy.faults.cuts, proxy.faults.cut) == (0, 1)
        writer.close()


async def test_connections_are_refused_and_reset(short_path: Path) -> None:
    async with proxied(short_path) as proxy:
        reader, writer = await asyncio.open_unix_connection(str(short_path / "near"))
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        proxy.reset()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
