"""The machine that is measured on, and the tools that are compiled on it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Machine", "Tools", "build"]

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Tools:
    """The programs that measure, built in a folder of the run's own."""

    readers: Path
    limit: Path


def build(folder: Path) -> Tools:
    """Compile the load generator and the limit. Raises `SystemExit` when there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SystemExit("the benchmark needs a C compiler: install gcc")
    for name in ("readers", "limit"):
        subprocess.run([compiler, "-O2", "-o", str(folder / name), str(HERE / f"{name}.c")], check=True)
    return Tools(folder / "readers", folder / "limit")


@dataclass(frozen=True)
class Machine:
    processor: str
    cores: int
    memory_gib: int
    kernel: str
    python: str

    @classmethod
    def here(cls) -> Machine:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
        return cls(processor, os.cpu_count() or 1, memory, platform.release(), platform.python_version())
