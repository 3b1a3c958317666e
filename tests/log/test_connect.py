from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from livefeed.exceptions import ConfigError
from livefeed.log.connect import connect, inspect
from tests.stores import Store
from tests.waiting import until


async def test_commands_take_and_give_bytes(redis_url: str) -> None:
    client = connect(redis_url)
    await client.xadd("log", {"k": b"\xff"}, id="1-1")
    assert await client.xread({"log": "0"}) == {b"log": [(b"1-1", {b"k": b"\xff"})]}
    await client.aclose()


async def test_blocking_read_outlasts_the_default_timeout_of_redis_py(redis_url: str) -> None:
    """With a timeout above the block an empty read returns, instead of being sent again."""
    client = connect(redis_url, timeout=10)
    assert await client.xread({"quiet": "0-0"}, block=1000) == {}
    assert (await client.info("commandstats"))["cmdstat_xread"]["calls"] == 1
    await client.aclose()


async def test_command_is_sent_once_when_redis_hangs(store: Store) -> None:
    """The reply of a frozen Redis never comes: the append fails in time and stands once when Redis goes on."""
    store.start()
    client = connect(store.url, timeout=0.3)
    await client.ping()
    store.freeze()
    with pytest.raises(RedisTimeoutError):
        await client.xadd("log", {"k": "v"})
    store.thaw()
    assert await client.xlen("log") == 1
    await client.aclose()


async def test_connections_are_waited_for(redis_url: str) -> None:
    client = connect(redis_url, connections=2)
    assert await asyncio.gather(*(client.echo(str(n)) for n in range(50))) == [str(n).encode() for n in range(50)]
    assert len(await client.client_list()) <= 3
    await client.aclose()


async def test_reconnects_after_a_restart(store: Store) -> None:
    store.start()
    client = connect(store.url)
    await client.set("k", "v")
    store.kill()
    with pytest.raises(RedisConnectionError):
        await client.get("k")
    store.start()
    assert await client.get("k") == b"v"
    await client.aclose()


async def test_cancellation_is_never_lost(redis_url: str) -> None:
    """A loop around a command ends when it is cancelled, wherever it is at that moment."""
    client = connect(redis_url)

    async def loop() -> None:
        while True:
            await client.ping()

    for turns in range(200):
        task = asyncio.create_task(loop())
        for _ in range(turns % 23):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 5)
        assert task.cancelled()
    await client.aclose()


@pytest.fixture
async def client(store: Store) -> AsyncIterator[Redis]:
    store.start()
    client = connect(store.url)
    yield client
    await client.aclose()


async def test_inspect_describes_the_server(store: Store, client: Redis) -> None:
    backend = await inspect(client, store.url)
    assert backend.append_only
    assert backend.version >= (7, 0)
    assert backend.warnings == ()


async def test_inspect_refuses_a_redis_that_evicts(store: Store, client: Redis) -> None:
    await client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(ConfigError, match="maxmemory-policy allkeys-lru: set it to noeviction"):
        await inspect(client, store.url)


async def test_inspect_refuses_a_replica(store: Store, client: Redis) -> None:
    await client.replicaof("127.0.0.1", "1")
    with pytest.raises(ConfigError, match="is a replica"):
        await inspect(client, store.url)


async def test_inspect_names_an_unreachable_redis_without_its_password(unused_tcp_port: int) -> None:
    url = f"redis://user:SECRET@127.0.0.1:{unused_tcp_port}"
    client = connect(url)
    with pytest.raises(ConfigError, match=rf"Redis at redis://127\.0\.0\.1:{unused_tcp_port} cannot be used") as caught:
        await inspect(client, url)
    assert "SECRET" not in str(caught.value)
    await client.aclose()


async def test_inspect_says_when_nothing_answers() -> None:
    """A port that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        client = connect(url, timeout=0.3)
        with pytest.raises(ConfigError, match="it does not answer"):
            await inspect(client, url)
        await client.aclose()


async def test_inspect_warns_without_append_only_file(redis_url: str) -> None:
    client = connect(redis_url)
    assert any("append-only" in warning for warning in (await inspect(client, redis_url)).warnings)
    await client.aclose()


async def test_sentinel_names_the_primary(short_path: Path, unused_tcp_port_factory: Callable[[], int]) -> None:
    """Through `redis+sentinel://` commands reach the primary that the sentinel watches."""
    primary_port, sentinel_port = unused_tcp_port_factory(), unused_tcp_port_factory()
    (short_path / "p").mkdir()
    (short_path / "s").mkdir()
    configuration = short_path / "sentinel.conf"
    configuration.write_text(f"sentinel monitor main 127.0.0.1 {primary_port} 1\n")
    primary = Store(short_path / "p", "--port", str(primary_port))
    sentinel = Store(short_path / "s", "--port", str(sentinel_port), "--sentinel", configuration=configuration)
    primary.start()
    sentinel.start()
    url = f"redis+sentinel://127.0.0.1:{sentinel_port}/main"
    client = connect(url)
    try:
        assert (await inspect(client, url)).version >= (7, 0)
        assert await client.set("k", "v")
        assert await client.get("k") == b"v"
    finally:
        await client.aclose()
        sentinel.kill()
        primary.kill()


async def test_cluster_serves_the_same_commands(short_path: Path, unused_tcp_port_factory: Callable[[], int]) -> None:
    port, bus = unused_tcp_port_factory(), unused_tcp_port_factory()
    node = Store(short_path, "--port", str(port), "--cluster-enabled", "yes", "--cluster-port", str(bus))
    node.start()
    direct = connect(node.url)

    async def ready() -> bool:
        told: bytes = await direct.execute_command("CLUSTER", "INFO")  # type: ignore[no-untyped-call]
        return b"cluster_state:ok" in told

    await direct.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)  # type: ignore[no-untyped-call]
    url = f"redis+cluster://127.0.0.1:{port}"
    client = connect(url)
    try:
        await until(ready)
        assert (await inspect(client, url)).version >= (7, 0)
        await client.xadd("{f}:log", {"k": "v"}, id="1-1")
        assert await client.eval("return redis.call('XLEN', KEYS[1])", 1, "{f}:log") == 1
        assert await client.xread({"{f}:log": "0"}) == {b"{f}:log": [(b"1-1", {b"k": b"v"})]}
    finally:
        await client.aclose()
        await direct.aclose()
        node.kill()
