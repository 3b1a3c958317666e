"""Accepting several connections per iteration of the event loop.

uvloop's servers accept one connection per iteration (as libuv does since 1.45). An iteration that writes to ten thousand readers
takes a tenth of a second. Ten thousand reconnecting readers would wait for a quarter of an hour, and most would time out.

A herd is taken from the kernel quickly, and opened slowly: an event takes several iterations from its producer to the readers
that are connected, and none of them may be long.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable

import structlog

from livefeed.net import ConnectionLimits

__all__ = ["Acceptor", "Pace"]

AT_ONCE = 128
"""Connections taken from the kernel per iteration: its queue is short, and a client that finds it full waits for a second."""

OPENED = 128
"""Connections opened per iteration, at most: their handshakes take 10 ms."""

FEWEST = 48
"""Connections opened per iteration, however long it takes to write to the readers."""

LONG = 0.1
"""Iterations that take this long (s) leave time for the fewest connections only."""

MOST_WAITING = 4096
"""Connections that are accepted but not opened yet, of which each holds a file descriptor."""

PAUSE = 0.5
"""Pause in seconds when file descriptors or buffers are exhausted; connections wait in the kernel's queue."""

HANDSHAKE = ConnectionLimits().head_timeout
"""Timeout in seconds of a TLS handshake. Connection limits and the deadline of the request head only apply after it."""

_SPENT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_log = structlog.get_logger("livefeed.worker")


class Pace:
    """How many connections to open per iteration: fewer, the longer the recent iterations that wrote to readers took.

    An event waits for the iteration that writes those before it, and for the handshakes of two or three more.
    """

    def __init__(self, now: float) -> None:
        self._last = now
        self._longest = 0.0

    def begin(self, now: float) -> None:
        """Connections are waiting again."""
        self._last = now

    def take(self, now: float) -> int:
        """How many to open in the iteration that has come to *now*."""
        # It forgets over about ten iterations, which is how far apart writes are when many readers are written to.
        self._longest = max(now - self._last, 0.9 * self._longest)
        self._last = now
        return max(FEWEST, round(OPENED * (1 - self._longest / LONG)))


class Acceptor:
    """Accepts connections on one listening socket until closed."""

    def __init__(self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol], tls: ssl.SSLContext | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._protocol = protocol
        self._tls = tls
        self._waiting: deque[socket.socket] = deque()
        self._pace = Pace(time.perf_counter())
        self._opening: set[asyncio.Task[tuple[asyncio.Transport, asyncio.Protocol]]] = set()
        self._pause: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._resume()

    @property
    def waiting(self) -> int:
        """How many connections are accepted and not opened yet."""
        return len(self._waiting)

    def close(self) -> None:
        """Stop listening: new connections are refused, and clients that are not served yet have to connect again."""
        if self._pause is not None:
            self._pause.cancel()
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
            self._listener.close()
        while self._waiting:
            self._waiting.popleft().close()

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        if not self._waiting:
            self._pace.begin(time.perf_counter())
            self._loop.call_soon(self._open_some)
        for _ in range(min(AT_ONCE, MOST_WAITING - len(self._waiting))):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as exc:
                if exc.errno not in _SPENT:
                    raise
                _log.warning("no more connections can be accepted for now", reason=exc.strerror)
                self._loop.remove_reader(self._listener)
                self._pause = self._loop.call_later(PAUSE, self._resume)
                return
            connection.setblocking(False)
            self._waiting.append(connection)

    def _open_some(self) -> None:
        timeout = HANDSHAKE if self._tls else None
        for _ in range(min(self._pace.take(time.perf_counter()), len(self._waiting))):
            connection = self._waiting.popleft()
            task = self._loop.create_task(
                self._loop.connect_accepted_socket(self._protocol, connection, ssl=self._tls, ssl_handshake_timeout=timeout)
            )
            self._opening.add(task)
            task.add_done_callback(self._opened)
        if self._waiting:
            self._loop.call_soon(self._open_some)

    def _opened(self, task: asyncio.Task[tuple[asyncio.Transport, asyncio.Protocol]]) -> None:
        self._opening.discard(task)
        # A peer that has disconnected already, or fails the TLS handshake, is not an error of the server.
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, OSError):
            _log.error("a connection could not be opened", exc_info=error)
