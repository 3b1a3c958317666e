"""Hosts: whether one is this machine itself."""

from __future__ import annotations

from ipaddress import ip_address

__all__ = ["is_loopback"]


def is_loopback(host: str) -> bool:
    """Whether nobody beyond this machine answers to *host*, a name or an address without brackets; RFC 6761, 6.3."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
