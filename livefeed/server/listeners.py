"""Listening sockets, bound before any worker starts: a port in use is reported immediately, and no connection is refused while a
worker restarts."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import time
from collections.abc import Iterator

from livefeed.exceptions import ConfigError

__all__ = ["BACKLOG", "Listeners"]

BACKLOG = 4096
"""Length of the accept queue: a herd of reconnecting readers must not be refused. The kernel limits it to `somaxconn`."""

_PATIENCE = 1.0
"""Seconds for which workers of a server that was just killed may still hold the port."""


class Listeners:
    """The sockets of each worker, one per address of *host*.

    On Linux each worker has its own, and the kernel distributes connections by hash (SO_REUSEPORT). Workers that share one socket
    race, and the first to wake takes a whole burst. On other systems SO_REUSEPORT does not distribute, so they share one.
    """

    def __init__(self, host: str, port: int, workers: int, *, send_buffer: int, dead_after: float) -> None:
        self._host = host
        self._send_buffer = send_buffer
        self._dead_after = dead_after
        self.port = port
        self.of_worker: list[list[socket.socket]] = [[] for _ in range(workers)]
        for family, address in self._addresses(port):
            self._bind_all(family, address)

    def _addresses(self, port: int) -> list[tuple[socket.AddressFamily, str]]:
        try:
            found = socket.getaddrinfo(self._host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except OSError as exc:
            raise ConfigError(f"LIVEFEED_HOST {self._host!r} is no address of this machine: {exc.strerror}") from exc
        return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))

    def _bind_all(self, family: socket.AddressFamily, address: str) -> None:
        spread = sys.platform == "linux"
        if spread:
            # SO_REUSEPORT would let a second server share the port unnoticed: only a bind without it fails.
            with self._bind(family, address, spread=False) as probe:
                self.port = probe.getsockname()[1]
        shared: socket.socket | None = None
        for sockets in self.of_worker:
            if shared is None or spread:
                shared = self._bind(family, address, spread=spread)
                self.port = shared.getsockname()[1]
                shared.listen(BACKLOG)
                sockets.append(shared)
            else:
                sockets.append(shared.dup())

    def _bind(self, family: socket.AddressFamily, address: str, *, spread: bool) -> socket.socket:
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._prepare(listener, spread=spread)
            self._take(listener, address)
        except OSError as exc:
            listener.close()
            self.close()
            raise ConfigError(_told(exc, self._host, self.port)) from exc
        return listener

    def _prepare(self, listener: socket.socket, *, spread: bool) -> None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if spread:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if self._host == "::" else 1)
        # Accepted sockets inherit both options. Without the first, the kernel grows a slow reader's buffer to megabytes that no
        # memory metric shows; without the second, a dead peer's connection lives for a quarter of an hour.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer)
        if sys.platform == "linux":
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._dead_after * 1000))

    def _take(self, listener: socket.socket, address: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return listener.bind((address, self.port))
            except OSError as exc:
                if exc.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def __iter__(self) -> Iterator[socket.socket]:
        for sockets in self.of_worker:
            yield from sockets

    def close(self) -> None:
        for listener in self:
            with contextlib.suppress(OSError):
                listener.close()


def _told(exc: OSError, host: str, port: int) -> str:
    if exc.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use by another program: stop it, or choose another with --port"
    if exc.errno == errno.EACCES:
        return f"port {port} may not be taken by this user: choose one above 1023 with --port"
    return f"cannot listen on {host} port {port}: {exc.strerror}"
