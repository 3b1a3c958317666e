"""Client addresses behind proxies: forwarded addresses are only used if they come from a trusted proxy."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from livefeed.exceptions import ConfigError

__all__ = ["TrustedProxies", "is_secure"]


def is_secure(forwarded_proto: Iterable[str]) -> bool:
    """Whether the client's connection is encrypted, by the last value of `X-Forwarded-Proto`: the trusted proxy wrote it."""
    return ",".join(forwarded_proto).rpartition(",")[2].strip().lower() in {"https", "wss"}


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    # A dual-stack listener sees IPv4 peers as ::ffff:a.b.c.d.
    return getattr(address, "ipv4_mapped", None) or address


class TrustedProxies:
    """The networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted; `unix` stands for peers on a Unix socket."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        self._local_socket = False
        for network in networks:
            if network == "unix":
                self._local_socket = True
                continue
            try:
                self._networks.append(ip_network(network))
            except ValueError:
                raise ConfigError(f"{network!r} is no network of proxies: write '10.0.0.0/8', an address or 'unix'") from None

    def __bool__(self) -> bool:
        return self._local_socket or bool(self._networks)

    def trusts(self, peer: str | None) -> bool:
        """Whether the peer at this address (None on a Unix socket) is a trusted proxy."""
        return self._local_socket if not peer else self._is_ours(_parse(peer))

    def _is_ours(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)

    def client(self, peer: str | None, forwarded_for: Iterable[str]) -> str | None:
        """The client of the request that came from *peer*: the nearest address that is not a trusted proxy.

        The header is read from its end, which the trusted proxy wrote. Its beginning may be forged by the client.
        """
        if not self.trusts(peer):
            return peer
        for text in reversed(",".join(forwarded_for).split(",")):
            address = _parse(text)
            if address is None:
                break
            peer = str(address)
            if not self._is_ours(address):
                break
        return peer
