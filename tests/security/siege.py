"""Everything at once against one server, while healthy readers read: `python -m tests.security.siege` prints the figures.

The attackers are a process of their own and come from other addresses, so that what is limited by address is theirs alone.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.security.test_frames import frame
from tests.security.tokens import token
from tests.served import Server, running
from tests.stores import running_store
from tests.waiting import until

__all__ = ["Siege", "lay_siege"]

ATTACKERS = [f"127.0.0.{number}" for number in range(2, 10)]
"""Several, because the kernel keeps the port of a closed connection for a minute: one address would run out of them."""
BOMBS = [frame(0x81, b"", length=17 * 1024 * 1024), frame(0x01, b"a") + frame(0x00, b"a") * 2_000, frame(0xC1, b"a" * 60_000)]


@dataclass
class Siege:
    """What came of it."""

    quiet_p99: float = 0.0
    busy_p99: float = 0.0
    connect_p99: float = 0.0
    missed: int = 0
    grown: float = 0.0
    attacks: dict[str, Any] = field(default_factory=dict)


async def _open(address: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*address, local_addr=(random.choice(ATTACKERS), 0))


async def _slow(address: tuple[str, int]) -> float:
    """Send a head one byte a second; how long the server suffered it."""
    began = time.monotonic()
    with suppress(OSError):
        reader, writer = await _open(address)
        ended = asyncio.create_task(reader.read())
        for letter in b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"a" * 60:
            writer.write(bytes([letter]))
            done, _ = await asyncio.wait([ended], timeout=1)
            if done:
                break
        ended.cancel()
        writer.close()
    return time.monotonic() - began


async def _flood(address: tuple[str, int], end: float) -> int:
    count = 0
    while time.monotonic() < end:
        with suppress(OSError):
            _, writer = await _open(address)
            writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" if count % 2 else b"\x16\x03\x01")
            writer.close()
            count += 1
        await asyncio.sleep(0.001)
    return count


async def _publish(address: tuple[str, int], end: float, key: str) -> dict[int, int]:
    codes: dict[int, int] = {}
    transport = httpx2.AsyncHTTPTransport(local_address=ATTACKERS[0])
    headers = {"authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=f"http://{address[0]}:{address[1]}", transport=transport, headers=headers) as client:
        while time.monotonic() < end:
            with suppress(httpx2.HTTPError):
                answer = await client.post("/v1/feeds/flooded/items", json={"headline": "Flood"})
                codes[answer.status_code] = codes.get(answer.status_code, 0) + 1
    return codes


async def _bomb(address: tuple[str, int], end: float) -> int:
    """Open WebSockets and break their rules, or keep them busy with what is none."""
    count = 0
    while time.monotonic() < end:
        count += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await _open(address)
            key = base64.b64encode(os.urandom(16)).decode()
            head = "GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            writer.write(f"{head}Sec-WebSocket-Key: {key}\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            writer.write(BOMBS[count % len(BOMBS)] + frame(0x89, b"") * 100)
            async with asyncio.timeout(0.5):
                await reader.read()
            writer.close()
        await asyncio.sleep(0.01)
    return count


async def _attack(address: tuple[str, int], slow: int, seconds: float, key: str) -> dict[str, Any]:
    end = time.monotonic() + seconds
    others: list[Coroutine[Any, Any, Any]] = [_publish(address, end, key) for _ in range(4)]
    others += [_flood(address, end) for _ in range(4)]
    others += [_bomb(address, end) for _ in range(4)]
    slow_tasks = asyncio.gather(*(_slow(address) for _ in range(slow)))
    results = await asyncio.gather(*others)
    held = await slow_tasks
    codes: dict[int, int] = {}
    for answers in results[:4]:
        for code, count in answers.items():
            codes[code] = codes.get(code, 0) + count
    return {"slow": slow, "longest": max(held), "published": codes, "flood": sum(results[4:8]), "bombs": sum(results[8:])}


class _Reader(asyncio.Protocol):
    """A healthy reader: how old each item is when it comes."""

    def __init__(self) -> None:
        self.ages: list[float] = []
        self.greeted = False
        self._rest = b""
        self._lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"GET /v1/feeds/world/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set_result(exc)

    async def close(self) -> None:
        self._transport.close()
        await self._lost

    def data_received(self, data: bytes) -> None:
        now = time.time()
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        for block in blocks:
            self.greeted |= b"event: hello\n" in block
            if b'"headline":"at ' in block:
                self.ages.append(now - float(block.partition(b'"headline":"at ')[2].partition(b'"')[0]))


def _resident(server: Server) -> float:
    """MiB of all the server's processes."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in server.pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def _watch(server: Server, readers: list[_Reader], seconds: float) -> tuple[float, float, int]:
    """Publish and connect for a while: p99 of the items' ages and of connecting, and what never came."""
    for reader in readers:
        reader.ages.clear()
    connects: list[float] = []
    sent = 0
    end = time.monotonic() + seconds
    async with httpx2.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {token(publish=['*'])}"}) as client:
        while time.monotonic() < end:
            began = time.monotonic()
            _, writer = await asyncio.open_connection(*server.address)
            connects.append(time.monotonic() - began)
            writer.close()
            await writer.wait_closed()
            answer = await client.post("/v1/feeds/world/items", json={"headline": f"at {time.time()}"})
            sent += answer.status_code == 201
            await asyncio.sleep(0.04)
    with suppress(TimeoutError):
        await until(lambda: all(len(reader.ages) >= sent for reader in readers), timeout=5)
    ages = [age for reader in readers for age in reader.ages]
    missed = sum(sent - len(reader.ages) for reader in readers)
    return statistics.quantiles(ages, n=100)[98], statistics.quantiles(connects, n=100)[98], missed


async def lay_siege(server: Server, *, slow: int, readers: int, seconds: float) -> Siege:
    """Readers alone for *seconds*, then the same with all the attackers."""
    with server.client() as admin:
        for feed in ("world", "flooded"):
            admin.put(f"/v1/feeds/{feed}", json={})
    loop = asyncio.get_running_loop()
    healthy = [(await loop.create_connection(_Reader, *server.address))[1] for _ in range(readers)]
    await until(lambda: all(reader.greeted for reader in healthy))
    quiet, _, _ = await _watch(server, healthy, seconds)
    before = _resident(server)
    arguments = [*map(str, server.address), str(slow), str(seconds), token("flood", publish=["flooded"])]
    attackers = await asyncio.create_subprocess_exec(
        # Attackers have machines of their own: here they get what the server leaves.
        *("nice", "-n", "19", sys.executable, "-m", "tests.security.siege", *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    busy, connect, missed = await _watch(server, healthy, seconds)
    grown = _resident(server) - before
    told, _ = await attackers.communicate()
    for reader in healthy:
        await reader.close()
    return Siege(quiet, busy, connect, missed, grown, json.loads(told))


def main() -> None:
    if len(sys.argv) > 1:
        host, port, slow, seconds, key = sys.argv[1:]
        print(json.dumps(asyncio.run(_attack((host, int(port)), int(slow), float(seconds), key))))  # noqa: T201
        return
    # What was started is stopped by leaving its block, also when a run is broken off from outside.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # As docs/security.md advises for a deployment: a desk needs no more.
    limits = {"LIVEFEED_PUBLISH_RATE": "50", "LIVEFEED_PUBLISH_BURST": "200"}
    with (
        tempfile.TemporaryDirectory(prefix="livefeed-") as folder,
        running_store() as store,
        running(Path(folder), store.url, **limits) as server,
    ):
        print(asyncio.run(lay_siege(server, slow=500, readers=50, seconds=20)))  # noqa: T201


if __name__ == "__main__":
    main()
