"""Limits of connections: times, sizes and numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from livefeed.proxies import TrustedProxies

__all__ = ["ConnectionLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Times are in seconds, sizes in bytes."""

    head_timeout: float = 8.0
    """From the connection, or a request's first byte, to the end of its head. With the timer's tick this is at most 10."""
    body_timeout: float = 10.0
    """For each `body_step` of a body. A limit on the rate, so that a large body on a slow connection is still accepted."""
    body_step: int = 8 * 1024
    max_head: int = 32 * 1024
    write_timeout: float = 60.0
    """How long a peer may accept no data while some is waiting."""
    answer_timeout: float = 10.0
    """The same for a response that is not a live stream."""
    max_answers: int = 64 * 1024 * 1024
    """Maximum memory for such responses to slow peers. Above it, the peer that has been slow for longest is disconnected."""
    close_timeout: float = 5.0
    """How long a WebSocket's peer may take to reply to a Close frame."""
    ping_interval: float = 20.0
    """Between two pings of a WebSocket. If one is not answered before the next, the connection is closed."""
    high_water: int = 64 * 1024
    """Bytes that may be buffered before a reader counts as slow."""
    low_water: int = 16 * 1024
    connections: int | None = None
    """In total. Below the process' open-file limit, because Redis connections need descriptors as well."""
    connections_per_address: int | None = None
    """None: 1,000 for a public address, which may be a newsroom's; no limit for a private one, which may be a proxy's."""
    compression: bool = True
    """Whether readers that accept it get compressed data, which is shared by all of them."""
    starts_per_turn: int = 128
    """Streams started per iteration of the event loop: a reconnecting herd must not delay connected readers. Other requests
    are started at once."""
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    """The proxies whose forwarded client addresses are trusted."""
