"""`livefeed serve` as its users run it: a process of its own, on a free port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

__all__ = ["ADMIN_KEY", "serve"]

ADMIN_KEY = "the-admin-key-of-the-tests-0123456789"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serve(redis_url: str, folder: Path, **settings: str) -> Iterator[str]:
    """The address of a server on *redis_url*; *settings* are those of `LIVEFEED_*`, in lower case."""
    port = free_port()
    named = {f"LIVEFEED_{name.upper()}": value for name, value in settings.items()}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIVEFEED_")} | named
    environment |= {"LIVEFEED_REDIS_URL": redis_url, "LIVEFEED_ADMIN_KEY": ADMIN_KEY, "LIVEFEED_DATA_DIR": str(folder)}
    with (folder / "server.log").open("wb") as log:
        command = [sys.executable, "-m", "livefeed", "serve", "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stderr=log, stdout=log, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process, folder / "server.log")
        yield url
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx2.get(f"{url}/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")
