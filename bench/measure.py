"""One measurement: the load generator against one server."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.machine import Tools
from bench.servers import LOAD_CORE, Server, pinned

__all__ = ["Bench", "Row", "median_of", "row"]

Row = dict[str, Any]
"""The scenario, the server, the wire, what was expected, and what the load generator said."""

TOGETHER: dict[str, Callable[[list[Any]], Any]] = {
    "fewest": min, "refused": max, "broken": max, "most": max, "early": max, "complete": min, "calm": statistics.fmean,
}  # fmt: skip
"""Counts are never averaged: one round that lost something has lost it. How often the machine was calm is no median either."""


def row(scenario: str, server: Server, wire: str, expected: int, result: dict[str, Any], **more: Any) -> Row:
    return {"scenario": scenario, "server": server.name, "wire": wire, "expected": expected, **more, **result}


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
        wire: str,
        *,
        readers: int,
        publish: tuple[int, float] | None = None,
        path: str = "",
        **options: object,
    ) -> dict[str, Any]:
        """Run the load generator; *publish* is how many items, and at which rate."""
        command = [str(self.tools.readers), "--port", str(server.port), f"--{wire}", path or getattr(server, wire)]
        command += ["--readers", str(readers), *(["--settle", "0.2"] if self.small else [])]
        for pid in server.pids:
            command += ["--server", str(pid)]
        if server.greeting:
            command += ["--greet", server.greeting]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
        if publish is not None:
            count, rate = publish
            words = [sys.executable, "-m", "bench.publish", *server.publish, str(count), str(rate)]
            command += ["--publish", " ".join(f"'{word}'" for word in pinned(LOAD_CORE, words))]
        environment = {**os.environ, **server.environment, "BENCH_BYTES": str(self.size)}
        calm = not self.small and quiet(10)
        done = subprocess.run(pinned(LOAD_CORE, command), env=environment, stdout=subprocess.PIPE, check=True)
        return {**json.loads(done.stdout), "calm": int(calm)}

    def rounds(self, measure: Callable[[], Iterator[Row]]) -> Iterator[Row]:
        """Repeat *measure* as a whole, so that what is compared was measured in turn, and give the median of each row."""
        rounds = [list(measure()) for _ in range(self.repeat)]
        for same in zip(*rounds, strict=True):
            yield {**median_of(list(same)), "rounds": self.repeat}


def median_of(results: list[Any]) -> Any:
    """The median of each figure, and the worst of the counts."""
    first = results[0]
    if isinstance(first, dict):
        return {name: TOGETHER.get(name, median_of)([result[name] for result in results]) for name in first}
    if isinstance(first, list):
        return [median_of(list(same)) for same in zip(*results, strict=False)]
    if isinstance(first, int | float) and not isinstance(first, bool):
        return statistics.median(results)
    return first


def quiet(patience: float) -> bool:
    """Wait until the machine has nothing else to do; false when it never had."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before = _busy()
        time.sleep(0.25)
        if _busy() - before < 0.05 * (os.cpu_count() or 1):
            return True
    return False


def _busy() -> float:
    """CPU seconds that anything used since the start of the machine."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return (sum(map(int, fields)) - int(fields[3]) - int(fields[4])) / os.sysconf("SC_CLK_TCK")
