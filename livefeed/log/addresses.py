"""Redis URLs.

redis://[user:password@]host[:port][/db]                        one server
rediss://…?ssl_ca_certs=FILE                                    the same over TLS
unix://[user:password@]/path/to.sock[?db=N]                     a socket on this machine
redis+sentinel://host:port[,host:port…]/service[/db]            the primary of a Sentinel service
redis+cluster://host:port[,host:port…]                          a cluster
rediss+sentinel://… and rediss+cluster://…                      the same over TLS
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from livefeed.exceptions import ConfigError
from livefeed.hosts import is_loopback

__all__ = ["Address"]

_TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname")
_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")


def _host(text: str, default_port: int) -> tuple[str, int]:
    split = urlsplit(f"//{text}")
    try:
        return split.hostname or "localhost", split.port or default_port
    except ValueError as exc:
        raise ConfigError(f"the Redis URL has no valid host and port in {text!r}: {exc}") from exc


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ConfigError(f"the Redis URL's database must be a number, not {text!r}")
    return int(text)


def _options(split: SplitResult) -> dict[str, str]:
    """The query's options: only those for TLS, since redis-py's others (timeouts, retries, response types) must not change."""
    options = dict(parse_qsl(split.query, keep_blank_values=True))
    for name in options:
        if name not in ("db", *_TLS_OPTIONS):
            raise ConfigError(f"the Redis URL has an unknown option {name!r}: known are db, {', '.join(_TLS_OPTIONS)}")
    return options


@dataclass(frozen=True, slots=True)
class Address:
    """One Redis, Sentinel-guarded Redis or Cluster. `str()` shows it without its password."""

    kind: Literal["single", "sentinel", "cluster"]
    hosts: tuple[tuple[str, int], ...] = ()
    socket: str = ""
    service: str = ""
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Mapping[str, str] | None = None
    """None: no TLS. The options are redis-py's `ssl_*`."""

    @classmethod
    def parse(cls, url: str) -> Address:
        split = urlsplit(url)
        if split.scheme not in _SCHEMES:
            raise ConfigError(f"the Redis URL must begin with one of {', '.join(f'{s}://' for s in _SCHEMES)}")
        scheme, _, kind = split.scheme.partition("+")
        options = _options(split)
        database = _number(options.pop("db", "0"))
        userinfo, _, hosts = split.netloc.rpartition("@")
        username, _, password = (unquote(part) or None for part in userinfo.partition(":"))
        if scheme == "unix":
            return cls("single", socket=unquote(split.path), database=database, username=username, password=password)
        path = [unquote(part) for part in split.path.split("/") if part]
        service = path.pop(0) if kind == "sentinel" and path else ""
        if kind == "sentinel" and not service:
            raise ConfigError(
                "a redis+sentinel:// URL must name the service after the hosts: redis+sentinel://host:26379/mymaster"
            )
        database = _number(path.pop(0)) if path else database
        if path or (kind == "cluster" and database):
            raise ConfigError(f"the Redis URL's path {split.path!r} is not a database number")
        return cls(
            kind="sentinel" if kind == "sentinel" else "cluster" if kind == "cluster" else "single",
            hosts=tuple(_host(text, 26379 if kind == "sentinel" else 6379) for text in hosts.split(",")),
            service=service,
            database=database,
            username=username,
            password=password,
            tls=options if scheme == "rediss" else None,
        )

    @property
    def loopback(self) -> bool:
        """Whether the connection stays on this machine."""
        return bool(self.socket) or all(is_loopback(host) for host, _ in self.hosts)

    def __str__(self) -> str:
        if self.socket:
            return f"unix://{self.socket}"
        kind = "" if self.kind == "single" else f"+{self.kind}"
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        service = f"/{self.service}" if self.service else ""
        return f"{'redis' if self.tls is None else 'rediss'}{kind}://{hosts}{service}"
