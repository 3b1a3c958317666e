"""A Redis of a test's own: started, killed and started again on the same data."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError

from livefeed.log.engines import find_engine


class Store:
    """A real Redis on a unix socket in *folder*, and on *port*; `arguments` are its own (`"--appendonly", "yes"`)."""

    def __init__(
        self, folder: Path, *arguments: str, configuration: Path | None = None, program: str | None = None, port: int = 0
    ) -> None:
        self.port = port
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._command = [
            program or str(find_engine().path),
            *([str(configuration)] if configuration else []),
            *("--port", str(port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket), "--dir", str(folder), "--save", ""),
            *("--maxmemory-policy", "noeviction", "--logfile", str(folder / "redis.log")),
            *arguments,
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert self._process is None, "it runs already"
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 20
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the store did not start: {' '.join(self._command)}\n{self._told()}")
            time.sleep(0.01)

    def _told(self) -> str:
        log = self.socket.with_name("redis.log")
        return log.read_text()[-2_000:] if log.exists() else "it wrote no log"

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except (RedisConnectionError, BusyLoadingError):
            return False

    def stop(self) -> None:
        """As an operator stops it: with its data written."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a crash ends it."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        self._process.wait(timeout=20)
        self._process = None

    async def start_soon(self) -> None:
        """`start` without holding up the running loop."""
        await asyncio.to_thread(self.start)


@contextmanager
def running_store(*arguments: str) -> Iterator[Store]:
    """A store in a folder that goes with it; a unix socket's path may have 107 bytes, and pytest's `tmp_path` is deep."""
    with tempfile.TemporaryDirectory(prefix="livefeed-") as folder:
        store = Store(Path(folder), *arguments)
        try:
            store.start()
            yield store
        finally:
            store.kill()
