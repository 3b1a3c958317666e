"""The server as it is run: started, stopped, killed, and given what it cannot use."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.certificates import make_certificate
from tests.live import KEY, LiveServer, live_server
from tests.waiting import until


@pytest.fixture
async def server(redis_url: str, tmp_path: Path) -> AsyncIterator[LiveServer]:
    async with live_server(redis_url, tmp_path, "--workers", "2") as running:
        yield running


@pytest.fixture
async def http(server: LiveServer) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=10, trust_env=False) as client:
        await client.post("/v1/feeds/world/items", json={"headline": "First"})
        yield client


def family(pid: int) -> dict[int, str]:
    """Every process below *pid*, with its command line."""
    told = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in told.splitlines()]
    below, grown = {pid}, 0
    while grown != len(below):
        grown = len(below)
        below |= {int(row[0]) for row in rows if int(row[1]) in below}
    return {int(row[0]): row[2] for row in rows if int(row[0]) in below - {pid}}


def workers(server: LiveServer) -> list[int]:
    return [pid for pid, command in family(server.pid).items() if "livefeed.server.worker" in command]


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text()]


async def events(answer: httpx2.Response) -> list[str]:
    """The names of the stream's own events, but for heartbeats."""
    names = [line.removeprefix("event: ") async for line in answer.aiter_lines() if line.startswith("event: ")]
    return [name for name in names if name != "heartbeat"]


async def last_word(websocket: ClientConnection) -> str:
    last = ""
    with contextlib.suppress(ConnectionClosed):
        async for message in websocket:
            last = str(message)
    return last


async def polled(http: httpx2.AsyncClient) -> bool:
    return sum(await readers_of_each(http, "poll")) == 1


async def test_stop_says_goodbye_to_everybody(server: LiveServer, http: httpx2.AsyncClient) -> None:
    """SIGTERM ends each kind of stream with a word, and the server with 0."""
    address = server.url.replace("http", "ws") + "/v1/feeds/world/events"
    began = family(server.pid)
    async with http.stream("GET", "/v1/feeds/world/events") as answer, connect(address, proxy=None) as websocket:
        reading = asyncio.create_task(events(answer))
        poll = asyncio.create_task(http.get("/v1/feeds/world/events?wait=60", headers={"Accept": "application/json"}))
        assert "hello" in str(await websocket.recv())
        await until(lambda: len(workers(server)) == 2)
        await until(partial(polled, http))
        assert await server.stop() == 0
        assert await reading == ["hello", "goodbye"]
        assert '"live.stream.goodbye"' in await last_word(websocket)
        assert websocket.close_code == 1012
        assert (await poll).status_code in (200, 503)
    assert alive(list(began)) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])
async def test_what_a_terminal_sends_ends_it_too(server: LiveServer, how: signal.Signals) -> None:
    """Nothing that starts workers side by side may leave the supervisor deaf to it."""
    began = [server.pid, *family(server.pid)]
    async with asyncio.timeout(60):
        assert await server.stop(how) == 0
    assert alive(began) == []


async def test_second_signal_ends_at_once(redis_url: str, tmp_path: Path) -> None:
    """A hung worker does not hold up a hurried shutdown; the exit status says that it was not clean."""
    # The server would wait ten minutes for the worker: only the second signal can end it sooner.
    config = tmp_path / "settings.toml"
    config.write_text("LIVEFEED_GRACE = 600\n", encoding="ascii")
    async with live_server(redis_url, tmp_path, "--workers", "2", "--config", str(config)) as server:
        hung, other = workers(server)
        os.kill(hung, signal.SIGSTOP)
        pid = server.pid
        stopping = asyncio.create_task(server.stop())
        await until(lambda: not alive([other]))
        os.kill(pid, signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await stopping == 1


async def test_worker_that_dies_is_started_again(server: LiveServer, http: httpx2.AsyncClient) -> None:
    """Nobody is refused meanwhile, and the metrics count on."""
    first = workers(server)
    os.kill(first[0], signal.SIGKILL)
    for number in range(20):
        # A connection of its own for each: one that the dead worker held is gone with it.
        async with httpx2.AsyncClient(base_url=server.url, headers=http.headers, timeout=20, trust_env=False) as fresh:
            answer = await fresh.post("/v1/feeds/world/items", json={"headline": f"Item {number}"})
        assert answer.status_code == 201
    await until(lambda: len(set(workers(server)) - set(first)) == 1)
    assert "a worker ended by itself and is started again" in server.log()


async def test_supervisor_that_dies_takes_everybody_along(short_path: Path) -> None:
    """`kill -9` leaves no worker and no store; the next start has every item."""
    server = LiveServer("", short_path)
    del server.environ["LIVEFEED_REDIS_URL"]
    await server.start()
    try:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx2.AsyncClient(base_url=server.url, headers=headers, trust_env=False) as http:
            assert (await http.post("/v1/feeds/world/items", json={"headline": "Kept"})).status_code == 201
            family_of_it = list(family(server.pid))
            assert len(family_of_it) >= 3
            os.kill(server.pid, signal.SIGKILL)
            await until(lambda: alive(family_of_it) == [])
            await server.stop()
            await server.start()
            assert (await http.get("/v1/feeds/world/items")).json()["items"][0]["headline"] == "Kept"
    finally:
        last = list(family(server.pid))
        assert await server.stop() == 0
    assert alive(last) == []


async def test_workers_share_the_readers(server: LiveServer, http: httpx2.AsyncClient) -> None:
    """And any of them tells the figures of all."""
    connections = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(400)]
    for _, writer in connections:
        writer.write(b"GET /v1/feeds/world/events HTTP/1.1\r\nHost: h\r\n\r\n")
    for reader, _ in connections:
        await reader.readuntil(b"event: hello")

    async def counted() -> bool:
        return sum(await readers_of_each(http)) == 400

    await until(counted)
    first, second = await readers_of_each(http)
    assert 160 <= first <= 240, (first, second)
    assert (await http.get("/v1/feeds/world")).json()["readers"] in range(1, 401)
    for _, writer in connections:
        writer.close()


async def readers_of_each(http: httpx2.AsyncClient, transport: str = "sse") -> list[int]:
    text = (await http.get("/metrics")).text
    return [int(float(value)) for value in re.findall(rf'livefeed_readers\{{transport="{transport}",worker="\d"\}} (\S+)', text)]


async def test_speaks_tls(redis_url: str, tmp_path: Path) -> None:
    chain, key = make_certificate(tmp_path)
    server = LiveServer(redis_url, tmp_path)
    server.url = server.url.replace("http://", "https://")
    server.environ |= {"LIVEFEED_TLS_CERTIFICATE": str(chain), "LIVEFEED_TLS_KEY": str(key)}
    process = await server.spawn("livefeed", "serve", "--port", str(server.port))
    try:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx2.AsyncClient(
            base_url=server.url, headers=headers, verify=ssl.create_default_context(cafile=chain), trust_env=False
        ) as http:

            async def ready() -> bool:
                try:
                    return (await http.get("/readyz")).status_code == 200
                except httpx2.TransportError:
                    return False

            await until(ready, timeout=30)
            await http.post("/v1/feeds/world/items", json={"headline": "Sealed"})
            async with http.stream("GET", "/v1/feeds/world/events?last=1") as answer:
                lines = answer.aiter_lines()
                async for line in lines:
                    if "Sealed" in line:
                        break
    finally:
        process.terminate()
        await process.wait()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"LIVEFEED_REDIS_URL": "redis://127.0.0.1:1"}, r"Redis at redis://127\.0\.0\.1:1 cannot be used: "),
        ({"LIVEFEED_REDIS_URL": "http://h"}, "the Redis URL must begin with one of redis://"),
        ({"LIVEFEED_PROT": "1"}, r"LIVEFEED_PROT in the environment is not a setting: did you mean LIVEFEED_PORT\?"),
        ({"LIVEFEED_WORKERS": "none"}, "LIVEFEED_WORKERS is 'none': expected a whole number from 1 to 256"),
        ({"LIVEFEED_ADMIN_KEY": "a" * 31}, "LIVEFEED_ADMIN_KEY: expected a text of at least 32 characters"),
        ({"LIVEFEED_TOKEN_KEYS": "/nowhere/jwks.json"}, r"the JWKS file /nowhere/jwks\.json cannot be read"),
        ({"LIVEFEED_ALLOWED_ORIGINS": "*"}, r"'\*' is not an origin: give only scheme, host and port"),
        ({"LIVEFEED_TRUSTED_PROXIES": "proxy"}, "'proxy' is no network of proxies"),
        ({"LIVEFEED_TLS_CERTIFICATE": "/nowhere/chain.pem"}, r"LIVEFEED_TLS_CERTIFICATE /nowhere/chain\.pem cannot be used"),
        (
            {"LIVEFEED_DATA_DIR": "/dev/null/data", "LIVEFEED_ADMIN_KEY": ""},
            "/dev/null/data/admin.key cannot be kept: Not a directory",
        ),
        (
            {"LIVEFEED_DATA_DIR": "/dev/null/data", "LIVEFEED_REDIS_URL": ""},
            "the data folder /dev/null/data/embedded cannot be created",
        ),
        ({"LIVEFEED_EMBEDDED_SERVER": "/bin/echo", "LIVEFEED_REDIS_URL": ""}, "/bin/echo is not a Redis or Valkey server"),
    ],
)
async def test_what_cannot_be_used_is_one_sentence(redis_url: str, tmp_path: Path, settings: dict[str, str], told: str) -> None:
    server = LiveServer(redis_url, tmp_path)
    server.environ |= settings
    status, out, err = await server.run("livefeed", "serve", "--port", str(server.port))
    assert status == 1
    assert re.search(rf"^Error: .*{told}", err, re.MULTILINE), err
    assert "Traceback" not in err + out


async def test_a_key_that_is_easily_guessed_is_a_warning(redis_url: str, tmp_path: Path) -> None:
    server = LiveServer(redis_url, tmp_path)
    server.environ["LIVEFEED_ADMIN_KEY"] = "a" * 32
    try:
        await server.start()
        assert '"setting":"LIVEFEED_ADMIN_KEY"' in server.log()
        headers = {"Authorization": f"Bearer {'a' * 32}"}
        async with httpx2.AsyncClient(base_url=server.url, headers=headers, trust_env=False) as http:
            assert (await http.put("/v1/feeds/world", json={})).status_code == 201
    finally:
        await server.stop()


async def test_port_in_use_is_one_sentence(server: LiveServer) -> None:
    status, _, err = await server.run("livefeed", "serve", "--port", str(server.port))
    assert status == 1
    assert f"Error: port {server.port} on 127.0.0.1 is in use by another program" in err
    assert "Traceback" not in err


async def test_check_tells_what_is_in_order(server: LiveServer, tmp_path: Path) -> None:
    status, out, _ = await server.run("livefeed", "check")
    assert status == 0
    assert f"{server.url} is ready" in out
    await server.stop()
    status, out, _ = await server.run("livefeed", "check")
    assert status == 1
    assert "FAULT: nothing answers at" in out


async def test_demo_moves_and_leaves_nothing(short_path: Path) -> None:
    demo = LiveServer("", short_path)
    del demo.environ["LIVEFEED_REDIS_URL"]
    process = await demo.spawn("livefeed", "demo", "--port", str(demo.port))
    async with httpx2.AsyncClient(base_url=demo.url, trust_env=False) as http:

        async def moving() -> bool:
            try:
                return len((await http.get("/v1/feeds/world/items")).json().get("items", [])) >= 10
            except httpx2.TransportError:
                return False

        await until(moving, timeout=30)
    everybody = list(family(process.pid))
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == 0
    assert f"{demo.url}/read/world".encode() in out
    assert b"Traceback" not in err
    assert alive(everybody) == []


def test_the_sample_is_worth_looking_at() -> None:
    """Every item is one that the server takes, and the kinds of news that the demo shows are all there."""
    import orjson

    from livefeed.items import parse_item

    path = Path(__file__).parent.parent.parent / "livefeed" / "sample.jsonl"
    items = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    for item in items:
        parse_item(item, now=1_800_000_000_000)
    assert len(items) >= 60
    assert len({item["language"] for item in items}) >= 6
    assert any(item.get("correction") for item in items)
    assert any(item.get("pinned") for item in items)
