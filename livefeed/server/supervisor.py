"""The supervisor: starts the workers, restarts those that die, and stops all of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import structlog

from livefeed.config import Config
from livefeed.exceptions import ConfigError
from livefeed.log.connect import Backend
from livefeed.metrics import Board
from livefeed.server.listeners import Listeners
from livefeed.server.orders import FOR_THE_SUPERVISOR, Orders

__all__ = ["Supervisor"]

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.5
"""A worker that dies again and again is nevertheless back within 2 seconds."""

_STEADY = 10.0
"""Seconds after which the death of a worker no longer counts as a failed start."""

_PATIENCE = 30.0
"""Seconds for which a worker's event loop may be blocked before it counts as hung: far more than any legitimate pause."""

_log = structlog.get_logger("livefeed.supervisor")


class Supervisor:
    """Workers for *config* on *listeners*."""

    def __init__(self, config: Config, backend: Backend, listeners: Listeners, *, patience: float = _PATIENCE) -> None:
        self._config = config
        self._patience = patience
        self._backend = backend
        self._listeners = listeners
        self._board = Board.share(config.workers, Path(tempfile.gettempdir()))
        self._signs = Board(config.workers, self._board)
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._clean = True
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._spawning = asyncio.Lock()
        self._forced = asyncio.Event()

    async def start(self) -> bool:
        """Whether every worker serves; false if a signal came first. Raises `ConfigError` if one cannot."""
        ready = [asyncio.get_running_loop().create_future() for _ in range(self._config.workers)]
        self._keepers = [asyncio.create_task(self._keep(row, told), name=f"worker {row}") for row, told in enumerate(ready)]
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            for told in ready:
                await asyncio.wait((told, stopping), return_when=asyncio.FIRST_COMPLETED)
                if told.done() and told.result():
                    raise ConfigError(told.result())
        except BaseException:
            self._forced.set()
            await self.stop()
            raise
        finally:
            stopping.cancel()
        return not self._stopping.is_set()

    def ask_to_stop(self) -> None:
        """The first signal starts a graceful shutdown, a second one stops the server immediately."""
        if self._stopping.is_set():
            self._forced.set()
        self._stopping.set()

    async def run(self) -> None:
        """Supervise the workers until a signal requests the end."""
        period = self._patience / 6
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            due = loop.time() + period
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), period)
            # If the supervisor itself was suspended, so were the workers: they had no time for a heartbeat.
            if loop.time() < due + period:
                self._end_the_hung()

    def _end_the_hung(self) -> None:
        for row, process in self._processes.items():
            if self._signs.silence(row) > self._patience:
                _log.error("a worker hangs and is killed", row=row)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    async def stop(self) -> bool:
        """Stop the workers. Returns whether all of them exited cleanly and in time."""
        self._stopping.set()
        # New connections are refused immediately and can go elsewhere, instead of waiting in a queue that is never emptied.
        self._listeners.close()
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        everybody = asyncio.ensure_future(asyncio.gather(*self._keepers, return_exceptions=True))
        forced = asyncio.create_task(self._forced.wait())
        await asyncio.wait((everybody, forced), timeout=self._config.grace + 1, return_when=asyncio.FIRST_COMPLETED)
        forced.cancel()
        self._clean = self._clean and everybody.done()
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await everybody
        self._signs.close()
        os.close(self._board)
        return self._clean

    async def _keep(self, row: int, ready: asyncio.Future[str]) -> None:
        """Keep worker *row* running; *ready* is set to the result of its first start."""
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            began = loop.time()
            code = await self._run_one(row, ready)
            if self._stopping.is_set():
                # -SIGTERM: it was asked to stop before it had a handler.
                self._clean = self._clean and code in (0, -signal.SIGTERM)
                return
            _log.error("a worker ended by itself and is started again", row=row, code=code)
            pause = _FIRST_PAUSE if loop.time() - began > _STEADY else min(pause * 2, _LONGEST_PAUSE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _run_one(self, row: int, ready: asyncio.Future[str]) -> int:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            listeners = [listener.fileno() for listener in self._listeners.of_worker[row]]
            orders = Orders(self._config, self._backend, row, self._config.workers, self._board, listeners)
            process = await self._spawn(theirs.fileno(), [self._board, *listeners])
            theirs.close()
            self._signs.touch(row)
            self._processes[row] = process
            reader, writer = await asyncio.open_connection(sock=ours)
            told = await _instruct(orders, reader, writer)
            if not ready.done():
                ready.set_result("" if told == "ready" else told or f"worker {row} ended before it could serve")
            code = await process.wait()
            del self._processes[row]
            writer.close()
        return code

    async def _spawn(self, control: int, descriptors: Sequence[int]) -> asyncio.subprocess.Process:
        # Ctrl-C also reaches the workers, which leave it to the supervisor. They inherit the blocked signal, so that a starting
        # worker never reacts to it. One at a time: a concurrent start would restore the blocked mask.
        async with self._spawning:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_SUPERVISOR)
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "livefeed.server.worker", str(control)),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(control, *descriptors),
                )
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if self._stopping.is_set():
            # The stop was requested while it was being started, and did not reach it.
            process.terminate()
        return process


async def _instruct(orders: Orders, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Send the orders. Returns the worker's reply: that it serves, or why it cannot. Empty if it died first."""
    with contextlib.suppress(OSError):
        writer.write(orders.encode())
        await writer.drain()
        return (await reader.readline()).decode().strip()
    return ""
