"""The embedded store: a real Redis that the server starts and owns, for one machine.

A lock file gives each data folder one owner. A second process joins, and takes over when the owner exits: the socket's path
depends only on the folder, so the address stays the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import stat
import sys
import tempfile
from pathlib import Path
from types import TracebackType

import structlog
from redis.exceptions import BusyLoadingError, RedisError

from livefeed.exceptions import ConfigError
from livefeed.log import guard
from livefeed.log.connect import connect
from livefeed.log.engines import Engine, find_engine

__all__ = ["Embedded"]

LONGEST_SOCKET_PATH = 100
"""`sun_path` has 104 bytes on macOS and 108 on Linux; Valkey binds under a temporary name first."""

START_TIMEOUT = 20.0
"""Seconds within which the store must reply, if only that it is loading its data."""

_log = structlog.get_logger("livefeed.embedded")


class Embedded:
    """The store in *folder*, running while the context is entered."""

    def __init__(self, folder: Path, program: Path | None = None) -> None:
        self.folder = folder
        self.socket = _socket_path(folder)
        self.url = f"unix://{self.socket}"
        self.owned = False
        self._program = program
        self._lock = -1
        self._guard: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Embedded:
        _private(self.folder)
        _private(self.socket.parent)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            await self._enter()
        except BaseException:
            await self.close()
            raise
        self._keeper = asyncio.create_task(self._keep(), name="embedded store")
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop the store if this process owns it, with its data on disk."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        if self.owned:
            (self.folder / "endpoint.json").unlink(missing_ok=True)
            await self._stop()
            self.owned = False
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    async def _enter(self) -> None:
        """Own the store or join it. Neither is possible between the death of an owner and the end of its store."""
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT + guard.GRACE
        while not self._take_lock():
            if (self.folder / "endpoint.json").exists() and await self.answers():
                _log.info("joined the embedded store of another process", folder=str(self.folder))
                return
            if asyncio.get_running_loop().time() > deadline:
                raise ConfigError(f"{self.folder} is in use by another process whose store does not answer")
            await asyncio.sleep(0.05)
        await self._start()

    def _take_lock(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self.owned = True
        return True

    async def _start(self) -> None:
        engine = find_engine(self._program)
        stamp = self.folder / "ENGINE"
        written_by = stamp.read_text().strip() if stamp.exists() else ""
        log_start = _size(self.folder / "store.log")
        # In its own session, so that Ctrl-C only reaches the server and the store ends after it.
        self._guard = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", guard.__file__, *self._command(engine)),
            stdin=asyncio.subprocess.PIPE,
            pass_fds=(self._lock,),
            start_new_session=True,
        )
        try:
            await self._ready()
        except ConfigError as exc:
            await self._stop()
            raise ConfigError(_explain(exc, self.folder, engine, written_by, log_start)) from exc
        stamp.write_text(f"{engine}\n")
        _write_whole(self.folder / "endpoint.json", {"url": self.url, "engine": str(engine), "owner": os.getpid()})
        _log.info("embedded store started", engine=str(engine), folder=str(self.folder))

    def _command(self, engine: Engine) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "logfile": str(self.folder / "store.log"),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            # With the preamble, Redis and Valkey of different versions cannot read each other's data.
            "aof-use-rdb-preamble": "no",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        return [str(engine.path), *(part for name, value in options.items() for part in (f"--{name}", value))]

    async def _ready(self) -> None:
        """Return once it replies. Loading a large log may take any time."""
        assert self._guard is not None
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT
        while not await self.answers():
            if self._guard.returncode is not None:
                raise ConfigError("it ended at once")
            if asyncio.get_running_loop().time() > deadline and not await self._is_loading():
                raise ConfigError("it does not answer")
            await asyncio.sleep(0.01)

    async def answers(self) -> bool:
        """Whether the store is usable now."""
        with contextlib.suppress(RedisError, OSError):
            return await self._ping()
        return False

    async def _is_loading(self) -> bool:
        try:
            return await self._ping()
        except BusyLoadingError:
            return True
        except (RedisError, OSError):
            return False

    async def _ping(self) -> bool:
        client = connect(self.url, timeout=1.0, connections=1)
        try:
            return bool(await client.ping())
        finally:
            await client.aclose()

    async def _stop(self) -> None:
        """Close the guard's input: it ends the store, as it would if this process died."""
        if self._guard is None:
            return
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        await self._guard.wait()
        self._guard = None

    async def _keep(self) -> None:
        """Restart the store when it died, if it is ours; otherwise take it over when its owner has exited."""
        pause = 0.1
        while True:
            if self._guard is not None:
                await self._guard.wait()
                _log.error("the embedded store exited unexpectedly", folder=str(self.folder))
                self._guard = None
            elif not (self.owned or self._take_lock()):
                await asyncio.sleep(1.0)
                continue
            try:
                await self._start()
                pause = 0.1
            except ConfigError as exc:
                _log.error("the embedded store does not start", reason=str(exc), retry=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)


def _socket_path(folder: Path) -> Path:
    """The socket's path: in *folder*, or if that is too long, in a private temporary folder named after it."""
    folder = folder.absolute()
    path = folder / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"livefeed-{os.getuid()}" / f"{digest}.sock"


def _private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = folder.lstat()
    except OSError as exc:
        raise ConfigError(f"the data folder {folder} cannot be created: {exc.strerror}") from exc
    if not stat.S_ISDIR(told.st_mode) or told.st_uid != os.getuid():
        raise ConfigError(f"{folder} must be owned by the user who runs the server")
    folder.chmod(0o700)


def _write_whole(path: Path, value: dict[str, object]) -> None:
    """Write atomically: a reader sees the old file or the new one."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(value))
    fresh.replace(path)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _explain(exc: ConfigError, folder: Path, engine: Engine, written_by: str, log_start: int) -> str:
    """An error message with the store's last log line, or what to do about it."""
    path = folder / "store.log"
    with contextlib.suppress(OSError), path.open(errors="replace") as file:
        file.seek(log_start)
        told = [line.strip() for line in file if line.strip()]
        if any("Can't handle RDB format version" in line for line in told):
            return (
                f"{engine} cannot read the data in {folder}: it was written by {written_by or 'another server'}, start that one"
            )
        if told:
            return f"the embedded store ({engine}) does not start: {exc}; its last line in {path} is {told[-1]!r}"
    return f"the embedded store ({engine}) does not start: {exc}"
