"""The whole server as it is run: `livefeed serve` in processes of its own, and everything that it says."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
from websockets.sync.client import ClientConnection, connect

__all__ = ["ADMIN_KEY", "SECRET", "Server", "running"]

ADMIN_KEY = "the-admin-key-of-a-server-under-attack-0123"
SECRET = "the-secret-that-signs-the-tokens-of-the-tests"


class Server:
    """A running server; `output` is what it wrote so far, on both streams of all its processes."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self.url = ""
        self._lines: list[str] = []
        self._serving = threading.Event()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIVEFEED_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "livefeed", "serve", "--port", "0"],
            env={**kept, "PYTHONPATH": str(Path(__file__).parents[1]), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._serving.wait(30) or not self.url:
            self.stop()
            raise RuntimeError(f"the server did not start:\n{self.output}")

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for raw in stream:
                line = raw.decode("utf-8", "replace")
                self._lines.append(line)
                if '"serving"' in line and (found := re.search(r"https?://[\w.:\[\]]+", line)):
                    self.url = found[0]
                    self._serving.set()
        self._serving.set()

    @property
    def output(self) -> str:
        return "".join(self._lines)

    @property
    def address(self) -> tuple[str, int]:
        parts = httpx2.URL(self.url)
        assert parts.port is not None
        return parts.host, parts.port

    @property
    def pids(self) -> list[int]:
        """The supervisor and its workers."""
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with suppress(FileNotFoundError, ProcessLookupError):
                fields = entry.read_text().rpartition(") ")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
        found = [self._process.pid]
        for parent in found:
            found += parents.get(parent, [])
        return found

    def stop(self) -> int:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._reader.join(timeout=10)
        return self._process.returncode

    def client(self, key: str | None = ADMIN_KEY, **headers: str) -> httpx2.Client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            named["authorization"] = f"Bearer {key}"
        return httpx2.Client(base_url=self.url, headers=named, timeout=15, trust_env=False)

    def websocket(self, path: str, **options: Any) -> ClientConnection:
        url = self.url.replace("http", "ws", 1) + path
        made: ClientConnection = connect(url, proxy=None, compression=None, open_timeout=15, legacy=True, **options)
        return made

    def exchange(self, sent: bytes) -> bytes:
        """All that the server answers to these bytes, until it closes."""
        with socket.create_connection(self.address, timeout=15) as connection:
            connection.sendall(sent)
            return self.rest(connection)

    @staticmethod
    def rest(connection: socket.socket) -> bytes:
        heard = b""
        try:
            while chunk := connection.recv(65536):
                heard += chunk
        except ConnectionResetError:
            pass
        return heard


@contextmanager
def running(folder: Path, redis_url: str, **environ: str) -> Iterator[Server]:
    """A server until left, with the admin key and token secret of the tests unless *environ* has others."""
    settings = {
        "LIVEFEED_REDIS_URL": redis_url,
        "LIVEFEED_ADMIN_KEY": ADMIN_KEY,
        "LIVEFEED_TOKEN_SECRET": SECRET,
        "LIVEFEED_DATA_DIR": str(folder),
        "LIVEFEED_LOG_FORMAT": "json",
        **environ,
    }
    server = Server(folder, {name: value for name, value in settings.items() if value})
    try:
        yield server
    finally:
        server.stop()
