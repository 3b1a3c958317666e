"""Limits: how much of something one key, connection or address may use. Values in, values out; the clock is the caller's."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from math import ceil

from livefeed.exceptions import TooManyRequests

__all__ = ["Addresses", "Bucket", "Meter", "Rate", "site_of"]


@dataclass(frozen=True, slots=True)
class Rate:
    """*per_second* on average, up to *burst* at once."""

    per_second: float
    burst: int

    def __post_init__(self) -> None:
        if self.per_second <= 0 or self.burst < 1:
            raise ValueError("a rate is above 0 and its burst at least 1")


class Bucket:
    """A token bucket: initially full, continuously refilled."""

    __slots__ = ("_at", "_left", "_rate")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._left = float(rate.burst)
        self._at = now

    def take(self, count: int, now: float) -> float:
        """Take *count* and return 0, or take nothing and return the seconds until it is available.

        More than a burst is never available at once: a full bucket allows it, and goes into debt.
        """
        rate = self._rate
        self._left = min(rate.burst, self._left + max(0.0, now - self._at) * rate.per_second)
        self._at = now
        need = min(count, rate.burst)
        if self._left < need:
            return (need - self._left) / rate.per_second
        self._left -= count
        return 0.0


_PUBLISHING = "this key may publish {rate} items a second, up to {burst} at once"


class Meter:
    """One bucket per key or address in this worker; the rate of a server is at most the sum of its workers'.

    *rule* is the error message: "this key may publish {rate} items a second, up to {burst} at once".
    """

    def __init__(self, rate: Rate, rule: str = _PUBLISHING, *, keys: int = 10_000) -> None:
        self._rate = rate
        self._rule = rule.format(rate=f"{rate.per_second:g}", burst=rate.burst)
        self._keys = keys
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def charge(self, key: str, count: int, now: float) -> None:
        """Raise `TooManyRequests` if *key* has exceeded its rate."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._rate, now)
            if len(self._buckets) > self._keys:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        if wait := bucket.take(count, now):
            raise TooManyRequests(self._rule, retry_after=ceil(wait))


# Asked for each connection of an address that has many.
@lru_cache(maxsize=1024)
def _is_private(site: str) -> bool:
    try:
        return not ip_network(site).is_global
    except ValueError:
        # No address at all: a unix socket's peer.
        return True


# Most connections come from few addresses, each of which is looked up twice: parsing took a tenth of a handshake.
@lru_cache(maxsize=1024)
def site_of(address: str) -> str:
    """What counts as one address: an IPv6 site owns at least a /64, and can use another address for each request."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(IPv6Network((int(ip) >> 64 << 64, 64)))
    return str(ip)


class Addresses:
    """The number of open connections per address."""

    def __init__(self, limit: int, *, public_only: bool = False) -> None:
        self._limit = limit
        self._public_only = public_only
        self._open: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, address: str) -> bool:
        """Count one more connection of *address*, or return False when it has all that it may have."""
        site = site_of(address)
        count = self._open.get(site, 0)
        if count >= self._limit and not (self._public_only and _is_private(site)):
            return False
        self._open[site] = count + 1
        return True

    def leave(self, address: str) -> None:
        site = site_of(address)
        count = self._open[site] - 1
        if count:
            self._open[site] = count
        else:
            del self._open[site]
