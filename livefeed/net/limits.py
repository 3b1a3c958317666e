"""Limits of connections: times, sizes and numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from livefeed.proxies import TrustedProxies

__all__ = ["ConnectionLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Times are in seconds, sizes in bytes."""

    head_timeout: float = 8.0
    """From the connection, or a request's first byte, to the end of its head. With the tick it is over within 10."""
    body_timeout: float = 10.0
    """For each `body_step` of a body: a bound on the rate, so that a large body on a slow line still gets through."""
    body_step: int = 8 * 1024
    max_head: int = 32 * 1024
    write_timeout: float = 60.0
    """How long a peer may take nothing of what waits for it."""
    answer_timeout: float = 10.0
    """Likewise for the answer to a request that is no live stream."""
    max_answers: int = 64 * 1024 * 1024
    """What such answers may hold together while their peers are slow. Above it, who is behind for the longest time is cut off."""
    close_timeout: float = 5.0
    """How long a WebSocket's peer may leave our Close frame without an answer."""
    ping_interval: float = 20.0
    """Between two pings of a WebSocket; one that is not answered by the next is the last."""
    high_water: int = 64 * 1024
    """Bytes that may wait in memory before a reader counts as behind."""
    low_water: int = 16 * 1024
    connections: int | None = None
    """Of all peers together; below the process' limit of open files, because Redis needs some too."""
    connections_per_address: int | None = None
    """None: 1,000 of a public address, a newsroom may sit behind one; any number of a private one, a proxy may stand there."""
    compression: bool = True
    """Whether readers who accept it get compressed bytes; these are made once for all of them."""
    starts_per_turn: int = 32
    """Requests that one turn of the event loop begins: a herd that returns must not hold up those who are served."""
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    """Whose word about the client's address counts."""
