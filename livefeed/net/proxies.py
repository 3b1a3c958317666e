"""Whose connection it is, when it comes through proxies of ours."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

__all__ = ["client_address"]

_Networks = tuple[IPv4Network | IPv6Network, ...]


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    # A dual-stack listener sees IPv4 peers as ::ffff:a.b.c.d.
    return getattr(address, "ipv4_mapped", None) or address


def client_address(peer: str, headers: Iterable[tuple[bytes, bytes]], proxies: _Networks) -> str:
    """The nearest address that is not one of our *proxies*: what they say of others counts, what others say does not."""

    def is_ours(address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in proxies)

    if not is_ours(_parse(peer)):
        return peer
    chain = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
    for text in reversed(chain.split(",")):
        address = _parse(text)
        if address is None:
            break
        peer = str(address)
        if not is_ours(address):
            break
    return peer
