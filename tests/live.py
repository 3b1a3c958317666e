"""The server as its users run it: a process of its own that can be stopped, killed and started again on the same port."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from tests.ports import settled_port
from tests.waiting import until

__all__ = ["KEY", "LiveServer", "live_server"]

KEY = "a-key-for-the-tests-that-is-long-enough"


class LiveServer:
    """`livefeed serve` on the Redis at *redis_url*, with its data in *folder*."""

    def __init__(self, redis_url: str, folder: Path, *arguments: str) -> None:
        self.port = settled_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments = arguments
        self._log = folder / "serve.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIVEFEED_")}
        self.environ = {
            **kept,
            "LIVEFEED_REDIS_URL": redis_url,
            "LIVEFEED_DATA_DIR": str(folder / "data"),
            "LIVEFEED_ADMIN_KEY": KEY,
            # For those that are started with the server's environment, to find it.
            "LIVEFEED_TOKEN": KEY,
        }
        self._process: asyncio.subprocess.Process | None = None
        self._began = 0
        """How much the log had when it was started last."""

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._began = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "livefeed", "serve", "--port", str(self.port), *self._arguments),
                env={name: value for name, value in self.environ.items() if name not in ("LIVEFEED_URL", "LIVEFEED_TOKEN")},
                stdout=log,
                stderr=log,
                # Its workers die with it when the whole group is killed.
                start_new_session=True,
            )
        async with httpx2.AsyncClient(trust_env=False) as http:
            await until(lambda: self._ready(http), timeout=30)

    async def _ready(self, http: httpx2.AsyncClient) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, self._log.read_text()
        # One worker can answer while others still start, and the server gives up if one of those is killed.
        if b'"event":"serving"' not in self._log.read_bytes()[self._began :]:
            return False
        try:
            return (await http.get(f"{self.url}/readyz")).status_code == 200
        except httpx2.TransportError:
            return False

    @property
    def pid(self) -> int:
        """The supervisor's."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """What it and its workers said."""
        return self._log.read_text()

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it and its workers, by SIGTERM or SIGKILL; its exit status."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        if process.returncode is None:
            if how == signal.SIGKILL:
                os.killpg(process.pid, how)
            else:
                process.send_signal(how)
        return await process.wait()

    def send_signal(self, number: signal.Signals) -> None:
        """To it and its workers, which are in its process group."""
        os.killpg(self.pid, number)

    async def run(self, *arguments: str, stdin: bytes | None = None) -> tuple[int, str, str]:
        """A command with this server's address and key: exit status, stdout, stderr."""
        process = await self.spawn(*arguments)
        out, err = await process.communicate(stdin)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def spawn(self, *arguments: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        environ = {**self.environ, "LIVEFEED_URL": self.url}
        command: Sequence[str] = (sys.executable, "-m", *arguments)
        return await asyncio.create_subprocess_exec(*command, env=environ, stdin=pipe, stdout=pipe, stderr=pipe)


@asynccontextmanager
async def live_server(redis_url: str, folder: Path, *arguments: str) -> AsyncIterator[LiveServer]:
    server = LiveServer(redis_url, folder, *arguments)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
