"""Orders: what a worker is told when it starts, over a socket that it and its supervisor share.

The settings go this way because a command line and an environment can be read by others, and because a worker whose end of
the socket closes knows that its supervisor is gone.
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
"""What a terminal sends to all processes at once."""


class Orders(Struct, frozen=True):
    config: Config
    backend: Backend
    """Asked once, by the supervisor: a worker that is started again must not wait for a Redis that is away."""
    row: int
    """The worker's number, and its row on the board."""
    rows: int
    board: int
    """File descriptors: of the board, and of the sockets to accept from."""
    listeners: list[int]

    def encode(self) -> bytes:
        return msgspec.json.encode(self, enc_hook=str) + b"\n"


def receive(control: socket.socket) -> Orders:
    """The orders at the beginning of *control*."""
    data = bytearray()
    while not data.endswith(b"\n"):
        part = control.recv(65536)
        if not part:
            raise EOFError("the supervisor went away before it gave its orders")
        data += part
    return msgspec.json.decode(data, type=Orders, dec_hook=_path)


def _path(_: type, value: Any) -> Path:
    return Path(value)
