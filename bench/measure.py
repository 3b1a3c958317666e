"""One measurement: the load generator against one server."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.machine import Tools
from bench.servers import LOAD_CORE, Server, pinned

__all__ = ["Bench", "median_of", "quiet"]


def quiet(patience: float = 20.0) -> bool:
    """Wait until the machine has nothing else to do; false when it never had."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before = _busy()
        time.sleep(0.5)
        if _busy() - before < 0.1 * (os.cpu_count() or 1):
            return True
    return False


def _busy() -> float:
    """CPU seconds that anything used since the start of the machine."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return (sum(map(int, fields)) - int(fields[3]) - int(fields[4])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Bench:
    """The tools of a run. *size* is the bytes of an event's JSON on every server."""

    tools: Tools
    folder: Path
    size: int
    repeat: int
    small: bool

    def readers(
        self,
        server: Server,
        kind: str,
        *,
        readers: int,
        publish: tuple[int, float] | None = None,
        path: str = "",
        **options: object,
    ) -> dict[str, Any]:
        """Run the load generator; *publish* is how many items, and at which rate."""
        command = [str(self.tools.readers), "--port", str(server.port), f"--{kind}", path or getattr(server, kind)]
        command += ["--readers", str(readers), "--server", str(server.pid)]
        if server.greeting:
            command += ["--greet", server.greeting]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        if publish is not None:
            count, rate = publish
            words = [sys.executable, "-m", "bench.publish", *server.publish, str(count), str(rate)]
            command += ["--publish", " ".join(f"'{word}'" for word in pinned(LOAD_CORE, words))]
        environment = {**os.environ, **server.environment, "BENCH_BYTES": str(self.size)}
        done = subprocess.run(pinned(LOAD_CORE, command), env=environment, stdout=subprocess.PIPE, check=False)
        result: dict[str, Any] = json.loads(done.stdout)
        return result


def median_of(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The median of each figure, and the worst of the counts."""
    first = results[0]
    merged: dict[str, Any] = {}
    for name, value in first.items():
        values = [result[name] for result in results]
        if isinstance(value, dict):
            merged[name] = median_of(values)
        elif name == "fewest":
            merged[name] = min(values)
        elif name in ("refused", "broken", "most"):
            merged[name] = max(values)
        elif isinstance(value, int | float):
            merged[name] = statistics.median(values)
        else:
            merged[name] = value
    return merged
