"""The embedded store: owned by one, joined by the others, never left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from livefeed.exceptions import ConfigError
from livefeed.log.connect import connect
from livefeed.log.embedded import Embedded
from tests.waiting import until

OWNER = """
import asyncio, sys
from pathlib import Path
from livefeed.log.embedded import Embedded

async def main():
    async with Embedded(Path(sys.argv[1])) as store:
        print(store.url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def owner(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that owns the store in *folder*; killed in the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OWNER, str(folder)), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        await process.stdout.readuntil(b"unix://")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def running(pid: int) -> bool:
    """A zombie is not running: it waits to be read by whoever inherited it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def pid_of(url: str) -> int:
    client = connect(url)
    try:
        return int((await client.info("server"))["process_id"])
    finally:
        await client.aclose()


async def ask(url: str, *command: str) -> object:
    client = connect(url)
    try:
        return await client.execute_command(*command)  # type: ignore[no-untyped-call]
    finally:
        await client.aclose()


async def test_data_survives_a_restart(short_path: Path) -> None:
    async with Embedded(short_path / "data") as store:
        assert store.owned
        await ask(store.url, "XADD", "log", "1-1", "k", "v")
        pid = await pid_of(store.url)
    assert not running(pid)
    assert not store.socket.exists()
    assert not (short_path / "data" / "endpoint.json").exists()
    async with Embedded(short_path / "data") as store:
        assert await ask(store.url, "XLEN", "log") == 1


async def test_nobody_else_may_look(short_path: Path) -> None:
    async with Embedded(short_path / "data") as store:
        assert stat.S_IMODE((short_path / "data").stat().st_mode) == 0o700
        assert stat.S_IMODE(store.socket.stat().st_mode) == 0o700
        told = await ask(store.url, "CONFIG", "GET", "port")
        assert told in ([b"port", b"0"], {b"port": b"0"})


async def test_endpoint_and_engine_are_written_down(short_path: Path) -> None:
    async with Embedded(short_path) as store:
        told = json.loads((short_path / "endpoint.json").read_text())
        assert told["url"] == store.url
        assert told["owner"] == os.getpid()
        assert (short_path / "ENGINE").read_text().strip() == told["engine"]


async def test_second_joins(short_path: Path) -> None:
    async with owner(short_path), Embedded(short_path) as second:
        assert not second.owned
        assert await ask(second.url, "PING") is True


async def test_joined_store_outlives_who_joined(short_path: Path) -> None:
    async with owner(short_path):
        async with Embedded(short_path) as second:
            pid = await pid_of(second.url)
        assert running(pid)


async def test_killed_owner_leaves_no_orphan_and_no_loss(short_path: Path) -> None:
    """After `kill -9` of the owner the store ends by itself; the next one starts at once on the same data."""
    async with owner(short_path) as process:
        url = Embedded(short_path).url
        pid = await pid_of(url)
        for number in range(1, 101):
            await ask(url, "XADD", "log", f"1-{number}", "k", "v")
        process.kill()
        await process.wait()
        async with Embedded(short_path) as store:
            assert store.owned
            assert not running(pid)
            assert await ask(store.url, "XLEN", "log") == 100
            pid = await pid_of(store.url)
    assert not running(pid)


async def test_killed_owner_and_guard_leave_no_orphan(short_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a process that its parent died")
    async with owner(short_path) as process:
        pid = await pid_of(Embedded(short_path).url)
        guard = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        assert guard != process.pid
        os.kill(guard, signal.SIGKILL)
        process.kill()
        await until(lambda: not running(pid))


async def test_joiner_takes_over_when_the_owner_goes(short_path: Path) -> None:
    async with owner(short_path) as process, Embedded(short_path) as second:
        await ask(second.url, "SET", "k", "v")
        process.send_signal(signal.SIGKILL)
        await until(lambda: second.owned)
        endpoint = short_path / "endpoint.json"
        await until(lambda: json.loads(endpoint.read_text())["owner"] == os.getpid())
        assert await ask(second.url, "GET", "k") == b"v"


async def test_store_that_dies_is_started_again(short_path: Path) -> None:
    async with Embedded(short_path) as store:
        await ask(store.url, "SET", "k", "v")
        first = await pid_of(store.url)
        os.kill(first, signal.SIGKILL)
        await until(lambda: not running(first))

        async def back() -> bool:
            return await store.answers() and await pid_of(store.url) != first

        await until(back)
        assert await ask(store.url, "GET", "k") == b"v"


async def test_deep_folder_gets_a_short_socket(short_path: Path) -> None:
    folder = short_path / ("deep" * 20) / ("deeper" * 10)
    async with Embedded(folder) as store:
        assert await ask(store.url, "PING") is True
        assert stat.S_IMODE(store.socket.parent.stat().st_mode) == 0o700
    assert not store.socket.exists()


async def test_broken_data_is_told_in_the_stores_words(short_path: Path) -> None:
    async with Embedded(short_path) as store:
        await ask(store.url, "SET", "k", "v")
    manifest = next((short_path / "appendonlydir").glob("*.manifest"))
    manifest.write_text("nonsense\n")
    with pytest.raises(ConfigError, match=r"does not start: .*its last line in .*store\.log"):
        async with Embedded(short_path):
            pass


async def test_program_that_is_no_redis(short_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a Redis or Valkey server"):
        async with Embedded(short_path, program=Path("/bin/echo")):
            pass
