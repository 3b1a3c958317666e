"""Connections to Redis on which no command is sent twice and none hangs.

By default redis-py repeats a command up to ten times when its reply is lost: a publish could be made twice, and a dead Redis
would look like a slow one. Here a command is sent once, with a timeout; callers repeat it where that is safe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Connection, Redis, RedisCluster, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

from livefeed.exceptions import ConfigError
from livefeed.log.addresses import Address
from livefeed.log.client import Client

__all__ = ["Backend", "connect", "inspect"]

COMMAND_TIMEOUT = 1.8
"""Timeout of one command in seconds. A blocking read needs its own: the time it blocks plus a margin."""

_NO_RETRY = Retry(NoBackoff(), 0)


class _Timely(AbstractConnection):
    """Sends within the timeout, as redis-py does, but with `asyncio.timeout`.

    redis-py's `asyncio.wait_for` creates a task for each command, and before Python 3.12 can lose a cancellation that arrives
    as the write ends: a loop around a command would not stop when cancelled.
    """

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        timeout, self.socket_timeout = self.socket_timeout, None
        try:
            async with asyncio.timeout(timeout):
                await super().send_packed_command(command, check_health)
        except TimeoutError:
            await self.disconnect(nowait=True)
            raise RedisTimeoutError("the command could not be written in time") from None
        finally:
            self.socket_timeout = timeout


class _Tcp(_Timely, Connection):
    pass


class _Tls(_Timely, SSLConnection):
    pass


class _Unix(_Timely, UnixDomainSocketConnection):
    pass


def connect(url: str, *, timeout: float = COMMAND_TIMEOUT, connections: int = 8) -> Redis:
    """A client for *url*: bytes in and out, RESP3, no retries, pipelines on at most *connections* sockets.

    When all of them are busy a pipeline waits for one, up to *timeout* seconds. This does not connect yet.
    For a Cluster the client is a `RedisCluster`, which has the same interface for the commands used here.
    """
    address = Address.parse(url)
    shared: dict[str, Any] = {
        "username": address.username,
        "password": address.password,
        "socket_timeout": timeout,
        "socket_connect_timeout": min(timeout, COMMAND_TIMEOUT),
        "retry": _NO_RETRY,
        "protocol": 3,
        "legacy_responses": False,
        "max_connections": connections,
    }
    if address.kind == "cluster":
        return cast("Redis", _cluster(address, shared))
    shared |= {"db": address.database, "timeout": timeout}
    if address.kind == "sentinel":
        return _guarded(address, shared)
    if address.socket:
        place: dict[str, Any] = {"connection_class": _Unix, "path": address.socket}
    else:
        host, port = address.hosts[0]
        place = {"host": host, "port": port, **_tcp(address)}
    return Client.from_pool(BlockingConnectionPool(**shared, **place))


def _tcp(address: Address) -> dict[str, Any]:
    # Maintenance notifications are for one cloud service, and use a subcommand that proxies and ACLs reject.
    quiet = {"maint_notifications_config": MaintNotificationsConfig(enabled=False)}
    if address.tls is None:
        return {"connection_class": _Tcp, **quiet}
    return {"connection_class": _Tls, **_tls(address.tls), **quiet}


def _tls(options: Any) -> dict[str, Any]:
    check = options.get("ssl_check_hostname", "true").lower() in ("1", "true", "yes")
    return {**options, "ssl_check_hostname": check}


class _GuardedPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to the primary that the sentinels name; a command waits for a busy one."""


class _GuardedClient(Client):
    """A client that also closes the sentinels' clients."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        pool = cast("_GuardedPool", self.connection_pool)
        await pool.sentinel_manager.aclose()


def _guarded(address: Address, shared: dict[str, Any]) -> Redis:
    tls = {} if address.tls is None else {"ssl": True, **_tls(address.tls)}
    # Sentinels answer at once or not at all, so they do not get the command's timeout.
    asking = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0, "retry": _NO_RETRY, **tls}
    sentinel = Sentinel(list(address.hosts), sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    options = shared | {"maint_notifications_config": MaintNotificationsConfig(enabled=False)} | tls
    client: Redis = sentinel.master_for(
        address.service, redis_class=_GuardedClient, connection_pool_class=_GuardedPool, **options
    )
    return client


def _cluster(address: Address, shared: dict[str, Any]) -> RedisCluster:
    tls = {} if address.tls is None else {"ssl": True, **_tls(address.tls)}
    return RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
        **shared,
        **tls,
    )


@dataclass(frozen=True, slots=True)
class Backend:
    """Properties of a Redis server, as it reports them."""

    name: str
    version: tuple[int, ...]
    append_only: bool
    replicas: int
    waits_for_disk: bool
    """Whether it supports WAITAOF."""
    syncs_always: bool
    """Whether it confirms a write only once it is on disk (`appendfsync always`)."""
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {'.'.join(map(str, self.version))}"


async def inspect(client: Redis, url: str) -> Backend:
    """The properties of the Redis at *url*. Raises `ConfigError` if it cannot hold the log."""
    address = Address.parse(url)
    try:
        told = await client.info()
        policy = await _sync_policy(client)
    except (RedisError, RedisClusterException, OSError) as exc:
        raise ConfigError(f"Redis at {address} cannot be used: {_reason(exc)}") from exc
    backend = _read(told, policy, address)
    _refuse(told, backend, address)
    return backend


def _reason(exc: Exception) -> str:
    if isinstance(exc, TimeoutError | RedisTimeoutError):
        return "it does not answer"
    return str(exc).rstrip(".") or type(exc).__name__


async def _sync_policy(client: Redis) -> str:
    try:
        answer = await client.config_get("appendfsync")
    except ResponseError:
        # Without permission for CONFIG the weaker policy is assumed.
        return "unknown"
    return str({_text(name): _text(value) for name, value in answer.items()}.get("appendfsync", "unknown"))


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _read(told: dict[str, Any], policy: str, address: Address) -> Backend:
    valkey = "valkey_version" in told
    version = tuple(int(part) for part in str(told["valkey_version" if valkey else "redis_version"]).split(".")[:3])
    append_only = bool(told.get("aof_enabled"))
    warnings: list[str] = []
    if not address.loopback and address.password is None:
        warnings.append(f"Redis at {address} is not on this machine and is used without a password")
    if not address.loopback and address.tls is None:
        warnings.append(f"Redis at {address} is not on this machine and is used without TLS")
    if not append_only:
        warnings.append("Redis has no append-only file: after a restart the log is back at its last snapshot")
    return Backend(
        name="Valkey" if valkey else "Redis",
        version=version,
        append_only=append_only,
        replicas=int(told.get("connected_slaves", 0)),
        waits_for_disk=valkey or version >= (7, 2),
        syncs_always=append_only and policy == "always",
        warnings=tuple(warnings),
    )


def _refuse(told: dict[str, Any], backend: Backend, address: Address) -> None:
    if backend.version < (7, 0):
        raise ConfigError(f"Redis at {address} is version {told['redis_version']}: 7.0 or newer is required")
    policy = told.get("maxmemory_policy")
    if policy != "noeviction":
        # Losing an evicted feed hash could not be detected.
        raise ConfigError(
            f"Redis at {address} has maxmemory-policy {policy}: set it to noeviction, or Redis may evict parts of the log"
        )
    if told.get("role") != "master":
        raise ConfigError(f"Redis at {address} is a replica: LIVEFEED_REDIS_URL must name the primary")
