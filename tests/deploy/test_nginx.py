"""The nginx configuration that is shipped, in a real nginx before a real server."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.certificates import make_certificate
from tests.live import KEY, LiveServer
from tests.programs import program
from tests.waiting import until

SHIPPED = Path(__file__).parent.parent.parent / "deploy" / "nginx.conf"


def adapted(port: int, folder: Path, plain: int, secure: int) -> str:
    """The shipped file with this machine's addresses and paths, and nothing else changed."""
    chain, key = make_certificate(folder)
    text = SHIPPED.read_text()
    for shipped, here in {
        "server livefeed:8000;": f"server 127.0.0.1:{port};",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen [::]:80;": "",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{secure} ssl http2;",
        "listen [::]:443 ssl http2;": "",
        "/etc/nginx/tls/chain.pem": str(chain),
        "/etc/nginx/tls/key.pem": str(key),
        "include mime.types;": "",
        "worker_connections 65536;": "worker_connections 512;",
        "worker_rlimit_nofile 131072;": "",
        "worker_processes auto;": "worker_processes 1;",
        "access_log /dev/stdout livefeed;": f"access_log {folder}/access.log livefeed;",
        "error_log /dev/stderr warn;": f"error_log {folder}/error.log warn;",
    }.items():
        assert shipped in text, f"the shipped configuration has no {shipped!r} any more"
        text = text.replace(shipped, here)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    return text.replace("http {\n", f"http {{\n{temporary}", 1)


class Proxied:
    """nginx before *server*."""

    def __init__(self, server: LiveServer, folder: Path, port: int, trust: ssl.SSLContext) -> None:
        self.server = server
        self.folder = folder
        self.port = port
        self.trust = trust
        self.http = httpx2.AsyncClient(
            base_url=f"https://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {KEY}"},
            verify=trust,
            timeout=20,
            trust_env=False,
        )

    async def publish(self, headline: str) -> None:
        assert (await self.http.post("/v1/feeds/world/items", json={"headline": headline})).status_code == 201


@asynccontextmanager
async def running_nginx(folder: Path, configuration: str) -> AsyncIterator[asyncio.subprocess.Process]:
    nginx = program("nginx", "nginx")
    path = folder / "nginx.conf"
    path.write_text(configuration)
    user = "user root; " if os.getuid() == 0 else ""
    process = await asyncio.create_subprocess_exec(
        *(str(nginx), "-p", str(folder), "-c", str(path)),
        *("-g", f"{user}daemon off; pid {folder}/nginx.pid;"),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.communicate()


@pytest.fixture
async def proxied(redis_url: str, short_path: Path, unused_tcp_port_factory: Callable[[], int]) -> AsyncIterator[Proxied]:
    plain, secure = unused_tcp_port_factory(), unused_tcp_port_factory()
    server = LiveServer(redis_url, short_path)
    server.environ["LIVEFEED_TRUSTED_PROXIES"] = "127.0.0.1"
    try:
        await server.start()
        async with running_nginx(short_path, adapted(server.port, short_path, plain, secure)) as process:
            proxied = Proxied(server, short_path, secure, ssl.create_default_context(cafile=short_path / "chain.pem"))

            async def ready() -> bool:
                assert process.returncode is None
                try:
                    return (await proxied.http.get("/readyz")).status_code == 200
                except httpx2.TransportError:
                    return False

            await until(ready)
            yield proxied
            await proxied.http.aclose()
    finally:
        await server.stop()


async def test_sse_arrives_at_once(proxied: Proxied) -> None:
    """Each event comes through when it is published, not when a buffer is full."""
    await proxied.publish("First")
    async with proxied.http.stream("GET", "/v1/feeds/world/events", headers={"Accept-Encoding": "gzip"}) as answer:
        lines = answer.aiter_lines()
        async for line in lines:
            if line.startswith("event: hello"):
                break
        for number in range(5):
            await proxied.publish(f"Item {number}")
            async with asyncio.timeout(30):
                while f"Item {number}" not in await anext(lines):
                    pass


async def test_websocket_passes(proxied: Proxied) -> None:
    await proxied.publish("First")
    url = f"wss://127.0.0.1:{proxied.port}/v1/feeds/world/events"
    async with connect(url, ssl=proxied.trust, proxy=None, subprotocols=[Subprotocol("cloudevents.json")]) as websocket:
        assert orjson.loads(await websocket.recv())["type"] == "live.stream.hello"
        await proxied.publish("Second")
        assert orjson.loads(await websocket.recv())["data"]["headline"] == "Second"


async def test_commands_pass(proxied: Proxied) -> None:
    await proxied.publish("First")
    async with connect(f"wss://127.0.0.1:{proxied.port}/v1/ws", ssl=proxied.trust, proxy=None) as websocket:
        await websocket.send(orjson.dumps({"op": "subscribe", "ref": 1, "feed": "world"}).decode())
        assert orjson.loads(await websocket.recv())["op"] == "subscribed"


async def test_long_poll_waits_and_returns(proxied: Proxied) -> None:
    await proxied.publish("First")
    address, headers = "/v1/feeds/world/events", {"Accept": "application/json"}
    page = (await proxied.http.get(address, params={"last": "0"}, headers=headers)).json()
    waiting = asyncio.create_task(proxied.http.get(address, params={"after": page["cursor"], "wait": "20"}, headers=headers))
    await proxied.publish("Second")
    assert [event["data"]["headline"] for event in (await waiting).json()["events"]] == ["Second"]


async def test_http_2_is_offered(proxied: Proxied) -> None:
    proxied.trust.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection("127.0.0.1", proxied.port, ssl=proxied.trust)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    writer.close()


async def test_metrics_are_not_for_the_world(proxied: Proxied) -> None:
    assert (await proxied.http.get("/metrics")).status_code == 404


async def test_server_knows_the_scheme_and_the_log_no_ticket(proxied: Proxied) -> None:
    """Behind TLS a session's cookie is a secure one; what is in a query is not written down."""
    answer = await proxied.http.post("/v1/session")
    assert "secure" in answer.headers["set-cookie"].lower()
    await proxied.http.get("/v1/feeds", params={"ticket": "CANARY"})
    log = proxied.folder / "access.log"
    await until(lambda: "/v1/feeds" in log.read_text())
    assert "CANARY" not in log.read_text()


async def test_batch_of_the_largest_size_passes(proxied: Proxied) -> None:
    items = [{"headline": f"Item {number}", "bodyText": "word " * 700} for number in range(1000)]
    answer = await proxied.http.post("/v1/feeds/world/items", json=items)
    assert answer.status_code == 200
    assert answer.text.count('"status":201') == 1000


async def test_a_publish_is_not_repeated_when_its_connection_breaks(
    short_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> None:
    """The first was perhaps carried out: only the producer can repeat it safely, with a uri or an Idempotency-Key."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    plain, secure = unused_tcp_port_factory(), unused_tcp_port_factory()
    upstream = await asyncio.start_server(serve, "127.0.0.1", 0)
    port: int = upstream.sockets[0].getsockname()[1]
    async with upstream, running_nginx(short_path, adapted(port, short_path, plain, secure)):
        trust = ssl.create_default_context(cafile=short_path / "chain.pem")
        async with httpx2.AsyncClient(base_url=f"https://127.0.0.1:{secure}", verify=trust, trust_env=False) as client:

            async def kept() -> bool:
                try:
                    return (await client.get("/livez")).status_code == 204
                except httpx2.TransportError:
                    return False

            await until(kept)
            assert (await client.post("/v1/feeds/world/items", json={"headline": "Once"})).status_code == 502
    assert [request.split(b" ")[0] for request in requests] == [b"GET", b"POST"]


async def test_reader_is_told_when_the_server_stops(proxied: Proxied) -> None:
    await proxied.publish("First")
    async with proxied.http.stream("GET", "/v1/feeds/world/events") as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        assert await proxied.server.stop() == 0
        rest = [line async for line in lines]
    assert "event: goodbye" in rest
