"""Ports for what must be found at the same address again, or must know it before it listens."""

from __future__ import annotations

import contextlib
import random
import socket


def settled_port() -> int:
    """A free port below those that the kernel gives to connections: one of them could take it before it is listened on."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
