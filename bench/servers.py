"""Starts the servers that are measured, each alone on one core."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.machine import HERE, Tools

__all__ = ["LOAD_CORE", "PEERS", "SERVER_CORE", "Server", "livefeed", "pinned"]

SERVER_CORE, LOAD_CORE = (str(core) for core in (*sorted(os.sched_getaffinity(0)), *os.sched_getaffinity(0))[:2])
"""What is measured has its core to itself; readers, publisher and Redis have the other, where there is one."""

KEY = "the-key-of-the-benchmark-0123456789abcdef"


@dataclass(frozen=True)
class Server:
    """One running server. *publish* is the first words of `python -m bench.publish`; *pids* the processes that do the work."""

    name: str
    port: int
    pids: tuple[int, ...]
    sse: str = ""
    ws: str = ""
    publish: tuple[str, ...] = ()
    last: str = ""
    """A path that brings the last 100 events, then live, on both wires."""
    greeting: str = ""
    """What a client of its own sends at first."""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        return self.pids[0]


def pinned(core: str, command: list[str]) -> list[str]:
    return ["taskset", "-c", core, *command] if shutil.which("taskset") else command


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
            return
        time.sleep(0.05)
    raise SystemExit(f"a server did not come up: {process.args!r}")


def wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit("livefeed did not become ready")


@contextlib.contextmanager
def running(command: list[str], port: int, core: str, **environment: str) -> Iterator[int]:
    """The pid of *command*, when it listens on *port*."""
    process = subprocess.Popen(
        pinned(core, command),
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if not os.environ.get("BENCH_VERBOSE") else None,
        start_new_session=True,
    )
    try:
        wait_for(port, process)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


@contextlib.contextmanager
def livefeed(folder: Path, *, workers: int = 1, **settings: str) -> Iterator[Server]:
    """Livefeed as its users start it; its store is on the other core."""
    port = free_port()
    named = {f"LIVEFEED_{name.upper()}": value for name, value in settings.items()}
    environment = {
        "LIVEFEED_DATA_DIR": str(folder / f"livefeed-{port}"),
        "LIVEFEED_ADMIN_KEY": KEY,
        "LIVEFEED_LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "livefeed", "serve", "--port", str(port), "--workers", str(workers)]
    with running(command, port, LOAD_CORE, **environment, **named) as supervisor:
        wait_until_ready(port)
        serving = [pid for pid in children(supervisor) if b"livefeed.server.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        for pid in serving:
            # The supervisor and the store stay on the other core. Two workers share this one: what differs is their number.
            os.sched_setaffinity(pid, {int(SERVER_CORE)})
        base = "/v1/feeds/bench"
        yield Server(
            "livefeed",
            port,
            tuple(serving),
            sse=f"{base}/events",
            ws=f"{base}/events",
            publish=("livefeed", f"http://127.0.0.1:{port}{base}/items"),
            environment={"BENCH_KEY": KEY},
        )


@contextlib.contextmanager
def limit(tools: Tools, _: Path, size: int) -> Iterator[Server]:
    port = free_port()
    with running([str(tools.limit), str(port), str(size)], port, SERVER_CORE) as pid:
        yield Server("limit", port, (pid,), "/sse", "/ws", ("go", f"http://127.0.0.1:{port}/publish"))


@contextlib.contextmanager
def nchan(_: Tools, folder: Path, __: int) -> Iterator[Server]:
    port = free_port()
    place = folder / "nchan"
    place.mkdir(exist_ok=True)
    modules = next((p.parent for p in Path("/usr").glob("*/nginx/modules/ngx_nchan_module.so")), None)
    if shutil.which("nginx") is None or modules is None:
        raise FileNotFoundError("nginx with nchan is not installed")
    configuration = (HERE / "peers" / "nchan.conf").read_text().replace("PLACE", str(place)).replace("PORT", str(port))
    configuration = configuration.replace("modules/", f"{modules}/")
    (place / "nginx.conf").write_text(configuration)
    with running(["nginx", "-c", str(place / "nginx.conf"), "-p", str(place)], port, SERVER_CORE) as master:
        yield Server(
            "nchan", port, (children(master)[0],), "/live", "/live", ("post", f"http://127.0.0.1:{port}/publish"), last="/last"
        )


def _node(script: str, package: str, **paths: Any) -> Callable[[Tools, Path, int], contextlib.AbstractContextManager[Server]]:
    @contextlib.contextmanager
    def start(_: Tools, folder: Path, __: int) -> Iterator[Server]:
        if shutil.which("node") is None or shutil.which("npm") is None:
            raise FileNotFoundError("Node.js is not installed")
        place = folder / "node"
        if not place.exists():
            shutil.copytree(HERE / "peers", place)
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=place, check=True)
        port = free_port()
        with running(["node", str(place / script), str(port)], port, SERVER_CORE) as pid:
            yield Server(package, port, (pid,), publish=("go", f"http://127.0.0.1:{port}/publish"), **paths)

    return start


def _python(
    script: str, name: str, module: str, **paths: Any
) -> Callable[[Tools, Path, int], contextlib.AbstractContextManager[Server]]:
    @contextlib.contextmanager
    def start(_: Tools, __: Path, ___: int) -> Iterator[Server]:
        if importlib.util.find_spec(module) is None:
            raise FileNotFoundError(f"{module} is not installed")
        port = free_port()
        with running([sys.executable, str(HERE / "peers" / script), str(port)], port, SERVER_CORE) as pid:
            yield Server(name, port, (pid,), publish=("go", f"http://127.0.0.1:{port}/publish"), **paths)

    return start


PEERS = {
    "nchan": nchan,
    "socketify": _python("socketify_ws.py", "socketify", "socketify", ws="/"),
    "node ws": _node("ws.mjs", "node ws", ws="/"),
    "node sse": _node("sse.mjs", "node sse", sse="/"),
    "socket.io": _node("socketio.mjs", "socket.io", ws="/socket.io/?EIO=4&transport=websocket", greeting="40"),
    "python as usual": _python("usual.py", "python as usual", "uvicorn", sse="/sse", ws="/ws"),
}
