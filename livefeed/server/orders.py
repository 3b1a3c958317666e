"""Orders: what the supervisor sends to a starting worker, over a socket pair.

The settings are sent this way because command lines and environments can be read by other users, and because the end of the
socket tells a worker that its supervisor has died.
"""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from livefeed.config import Config
from livefeed.log.connect import Backend

__all__ = ["FOR_THE_SUPERVISOR", "Orders", "receive"]

FOR_THE_SUPERVISOR = (signal.SIGINT, signal.SIGHUP)
"""The signals that a terminal sends to all processes of the group."""


class Orders(Struct, frozen=True):
    config: Config
    backend: Backend
    """Determined once by the supervisor: a restarted worker must not wait for a Redis that is unavailable."""
    row: int
    """The worker's number, and its row on the board."""
    rows: int
    board: int
    """File descriptors of the board, and of the listening sockets."""
    listeners: list[int]

    def encode(self) -> bytes:
        return msgspec.json.encode(self, enc_hook=str) + b"\n"


def receive(control: socket.socket) -> Orders:
    """Read the orders from the beginning of *control*."""
    data = bytearray()
    while not data.endswith(b"\n"):
        part = control.recv(65536)
        if not part:
            raise EOFError("the supervisor went away before it gave its orders")
        data += part
    return msgspec.json.decode(data, type=Orders, dec_hook=_path)


def _path(_: type, value: Any) -> Path:
    return Path(value)
