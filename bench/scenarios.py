"""What is measured: the loads of an election night, one function each.

Every function yields rows: the server, the wire, and what the load generator said. A row with `fewest` below `expected` is a
loss, and fails the run whatever the times were.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from bench.measure import Bench, median_of, quiet
from bench.servers import KEY, PEERS, Server, limit, livefeed

__all__ = ["SCENARIOS", "Row"]

Row = dict[str, Any]


def make_feed(server: Server, feed: str = "bench", **settings: Any) -> None:
    request = urllib.request.Request(  # loopback
        f"http://127.0.0.1:{server.port}/v1/feeds/{feed}",
        json.dumps({"title": feed, **settings}).encode(),
        {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
        method="PUT",
    )
    urllib.request.urlopen(request).close()  # loopback


def publish(server: Server, count: int, rate: float = 0, size: int = 760) -> None:
    command = [sys.executable, "-m", "bench.publish", *server.publish, str(count), str(rate)]
    subprocess.run(command, env={**os.environ, **server.environment, "BENCH_BYTES": str(size)}, check=True)


def _row(scenario: str, server: Server, kind: str, expected: int, result: dict[str, Any], **more: Any) -> Row:
    return {"scenario": scenario, "server": server.name, "wire": kind, "expected": expected, **more, **result}


def _repeated(bench: Bench, measure: Any) -> dict[str, Any]:
    results = []
    for _ in range(bench.repeat):
        calm = quiet(2 if bench.small else 20)
        results.append({**measure(), "calm": int(calm)})
    return median_of(results)


def _started(bench: Bench) -> Iterator[AbstractContextManager[Server]]:
    yield livefeed(bench.folder)
    yield limit(bench.tools, bench.folder, bench.size)
    for start in () if bench.small else PEERS.values():
        yield start(bench.tools, bench.folder, bench.size)


def _everyone(bench: Bench) -> Iterator[tuple[Server, str]]:
    """Each server, up, with each wire that it has; a peer that is not installed is left out, and said so."""
    for context in _started(bench):
        try:
            with context as server:
                if server.name == "livefeed":
                    make_feed(server)
                for kind in ("sse", "ws"):
                    if getattr(server, kind):
                        yield server, kind
        except FileNotFoundError as exc:
            print(f"left out: {exc}", file=sys.stderr)


def burst(bench: Bench) -> Iterator[Row]:
    """All items at once: how much one core can deliver."""
    readers, items = (100, 50) if bench.small else (1_000, 200)
    for server, kind in _everyone(bench):
        together = ("together=200",) if server.name == "limit" else ()
        target = _with_query(server, *together)

        def measure(server: Server = target, kind: str = kind) -> dict[str, Any]:
            return bench.readers(server, kind, readers=readers, expect=items, publish=(items, 0), timeout=90)

        yield _row("burst", server, kind, items, _repeated(bench, measure))


def _with_query(server: Server, *parameters: str) -> Server:
    if not parameters:
        return server
    verb, url = server.publish
    return Server(**{**vars(server), "publish": (verb, f"{url}?{'&'.join(parameters)}")})


def paced(bench: Bench) -> Iterator[Row]:
    """20 items a second: what one delivery costs, and how late it is."""
    readers, items = (100, 20) if bench.small else (1_000, 200)
    for server, kind in _everyone(bench):
        if server.name == "socketify" and kind == "ws":
            continue

        def measure(server: Server = server, kind: str = kind) -> dict[str, Any]:
            return bench.readers(server, kind, readers=readers, expect=items, publish=(items, 20), timeout=60)

        yield _row("paced", server, kind, items, _repeated(bench, measure))


def memory(bench: Bench) -> Iterator[Row]:
    """Idle readers: what one costs in resident memory."""
    readers = 500 if bench.small else 10_000
    for server, kind in _everyone(bench):
        if server.name == "limit":
            continue
        result = bench.readers(server, kind, readers=readers, hold=2, timeout=120, rate=1_500)
        yield _row("memory", server, kind, 0, result)
        time.sleep(1)


def storm(bench: Bench) -> Iterator[Row]:
    """Everybody comes back at once, and each is owed the last 100 items."""
    readers = 200 if bench.small else 2_000
    with livefeed(bench.folder) as server:
        make_feed(server)
        publish(server, 200, size=bench.size)
        after = _cursor_of(server, 100)
        for kind in ("sse", "ws"):
            path = f"{server.sse}?after={after}"

            def measure(kind: str = kind, path: str = path) -> dict[str, Any]:
                return bench.readers(server, kind, readers=readers, expect=100, rate=0, settle=0, path=path, timeout=60)

            yield _row("storm", server, kind, 100, _repeated(bench, measure))
    if bench.small:
        return
    try:
        with PEERS["nchan"](bench.tools, bench.folder, bench.size) as peer:
            publish(peer, 200, size=bench.size)

            def measure_peer() -> dict[str, Any]:
                return bench.readers(peer, "sse", readers=readers, expect=100, rate=0, settle=0, path=peer.last, timeout=60)

            yield _row("storm", peer, "sse", 100, _repeated(bench, measure_peer))
    except FileNotFoundError as exc:
        print(f"left out: {exc}", file=sys.stderr)


def _cursor_of(server: Server, back: int) -> str:
    """The cursor *back* events before the last."""
    address = f"http://127.0.0.1:{server.port}{server.sse}?after=0-0&limit=500"
    request = urllib.request.Request(address, headers={"Accept": "application/json"})  # loopback
    events = json.load(urllib.request.urlopen(request))["events"]  # loopback
    return str(events[-back - 1]["id"])


def stalled(bench: Bench) -> Iterator[Row]:
    """One reader in ten takes nothing for a while; the others must not notice, and it must lose nothing."""
    readers, items, share = (100, 20, 10) if bench.small else (1_000, 200, 100)
    with livefeed(bench.folder) as server:
        make_feed(server)
        for kind in ("sse", "ws"):
            for stuck in (0, share):
                options: dict[str, Any] = {"stalled": stuck, "stall_for": items / 20 + 1} if stuck else {}
                result = bench.readers(server, kind, readers=readers, expect=items, publish=(items, 20), timeout=90, **options)
                yield _row("stalled", server, kind, items, result, stuck=stuck)


def many(bench: Bench) -> Iterator[Row]:
    """As many readers as one worker is meant for."""
    # Where open files cannot be raised far enough, as many as there may be; the server keeps some for itself.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 300
    readers, items = (500, 10) if bench.small else (min(20_000, most), 120)
    with livefeed(bench.folder) as server:
        make_feed(server)
        for kind in ("sse", "ws"):
            result = bench.readers(server, kind, readers=readers, expect=items, publish=(items, 2), timeout=240, rate=1_500)
            yield _row("many", server, kind, items, result)
            time.sleep(1)


def workers(bench: Bench) -> Iterator[Row]:
    """One worker and two: how the readers split, and what a delivery costs."""
    readers, items = (200, 20) if bench.small else (2_000, 200)
    for count in (1, 2):
        with livefeed(bench.folder, workers=count) as server:
            make_feed(server)
            before = [_cpu(pid) for pid in server.pids]
            result = bench.readers(server, "sse", readers=readers, expect=items, publish=(items, 20), timeout=90)
            used = [_cpu(pid) - was for pid, was in zip(server.pids, before, strict=True)]
            yield _row("workers", server, "sse", items, result, workers=count, cpu_each=used)


def _cpu(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def growth(bench: Bench) -> Iterator[Row]:
    """What a delivery costs as readers become more, and as their filters do."""
    sizes = (50, 200) if bench.small else (100, 1_000, 10_000)
    items = 10 if bench.small else 100
    with livefeed(bench.folder) as server:
        make_feed(server)
        for readers in sizes:
            result = bench.readers(server, "sse", readers=readers, expect=items, publish=(items, 20), timeout=120, rate=1_500)
            yield _row("growth", server, "sse", items, result, readers_wanted=readers)


def compressed(bench: Bench) -> Iterator[Row]:
    """The same burst with and without compression: bytes on the wire, and what it costs."""
    readers, items = (50, 50) if bench.small else (1_000, 200)
    with livefeed(bench.folder) as server:
        make_feed(server)
        sample = Server(**{**vars(server), "publish": ("sample", server.publish[1])})
        for headers in ("", "Accept-Encoding: gzip\r\n"):
            cpu = _cpu(server.pid)
            # What is compressed has no marker to find: bytes are what is counted.
            result = bench.readers(
                sample, "sse", readers=readers, hold=items / 20 + 2, publish=(items, 20), timeout=60, headers=headers
            )
            yield _row("compressed", server, "sse", 0, result, gzip=bool(headers), cpu=_cpu(server.pid) - cpu)


SCENARIOS = {
    scenario.__name__: scenario for scenario in (burst, paced, memory, storm, stalled, many, workers, growth, compressed)
}
