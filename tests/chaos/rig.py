"""The rig: one Redis, a chaos proxy before it, one server with its workers, a publisher that never gives up."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import orjson
from redis import Redis

from tests.chaos.ledger import Ledger
from tests.chaos.proxy import Proxy
from tests.chaos.readers import Reader, SseReader, WebSocketReader
from tests.live import KEY, LiveServer
from tests.stores import Store
from tests.waiting import until

__all__ = ["FEED", "Outcome", "Rig", "Scale", "rig"]

FEED = "world"


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a run is: the full one, or a part of it for the test suite. *program* is the Redis to start."""

    full: bool
    program: str | None = None

    def of(self, full: int, small: int) -> int:
        return full if self.full else small


@dataclass(slots=True)
class Outcome:
    """What one scenario came to. *violations* must be 0; *figures* are what there is to tell."""

    figures: dict[str, Any]
    violations: int


@dataclass(slots=True)
class Rig:
    folder: Path
    store: Store
    proxy: Proxy
    server: LiveServer
    ledger: Ledger = field(default_factory=Ledger)
    answers: list[tuple[int, float]] = field(default_factory=list)
    """Status and seconds of each publish, 0 where the connection was lost."""
    port: int = 0
    """Where the publisher publishes, if not at the server."""
    _http: httpx2.AsyncClient | None = None

    @property
    def hand(self) -> Redis:
        """The other hand: an operator's, directly at the store."""
        return Redis.from_url(self.store.url)

    def readers(self, sse: int, websocket: int, *, feed: str = FEED, position: str | None = "0-0") -> list[Reader]:
        port, ledger = self.server.port, self.ledger
        made: list[Reader] = [SseReader(port, feed, ledger, position=position) for _ in range(sse)]
        return made + [WebSocketReader(port, feed, ledger, position=position) for _ in range(websocket)]

    # -- publishing

    @property
    def http(self) -> httpx2.AsyncClient:
        if self._http is None:
            self._http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, timeout=10, trust_env=False)
        return self._http

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """One request: its status, 0 when the connection was lost, and what was answered."""
        began = time.monotonic()
        try:
            answer = await self.http.request(method, f"http://127.0.0.1:{self.port or self.server.port}{path}", **options)
        except httpx2.TransportError:
            self.answers.append((0, time.monotonic() - began))
            return 0, None
        self.answers.append((answer.status_code, time.monotonic() - began))
        return answer.status_code, orjson.loads(answer.content) if answer.content else None

    async def put_feed(self, **settings: Any) -> None:
        await until(lambda: self._put(settings))

    async def _put(self, settings: dict[str, Any]) -> bool:
        return (await self.ask("PUT", f"/v1/feeds/{FEED}", json=settings))[0] in (200, 201)

    def item(self, number: int) -> dict[str, str]:
        uri, text = f"urn:chaos:{number}", f"Headline of number {number}"
        self.ledger.texts[uri] = text
        return {"uri": uri, "headline": text}

    async def publish_once(self, number: int, feed: str = FEED) -> int:
        item = self.item(number)
        status, answer = await self.ask("POST", f"/v1/feeds/{feed}/items", json=item)
        if status in (200, 201):
            self.ledger.acked[item["uri"]] = answer["event"]
        return status

    async def publish(self, number: int, feed: str = FEED) -> None:
        """Until it is answered with 2xx, as a producer does."""
        while await self.publish_once(number, feed) not in (200, 201):  # noqa: ASYNC110  # what it waits for is far away
            await asyncio.sleep(0.02)

    async def publish_many(self, numbers: Sequence[int], *, at_once: int = 4) -> None:
        waiting = iter(numbers)

        async def work() -> None:
            for number in waiting:
                await self.publish(number)

        await asyncio.gather(*(work() for _ in range(at_once)))

    async def publish_batch(self, numbers: Sequence[int]) -> None:
        body = b"\n".join(orjson.dumps(self.item(number)) for number in numbers)
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await self.http.post(f"{self.server.url}/v1/feeds/{FEED}/items", content=body, headers=headers)
        for number, line in zip(numbers, answer.content.splitlines(), strict=True):
            told = orjson.loads(line)
            if told["status"] in (200, 201):
                self.ledger.acked[f"urn:chaos:{number}"] = told["event"]

    # -- judging

    def head(self, feed: str = FEED) -> str:
        with self.hand as hand:
            ms, seq = (value.decode() for value in hand.hmget(f"livefeed:{{{feed}}}:feed", "ms", "seq"))
        return f"{ms}-{seq}"

    async def level(self, readers: Sequence[Reader], timeout: float = 60) -> float:
        """Wait until every reader stands at the head; how long that took."""
        began = time.monotonic()
        head = self.head()
        with suppress(TimeoutError):
            await until(lambda: all(reader.heard.position == head for reader in readers), timeout)
        return time.monotonic() - began

    def judge(self, readers: Sequence[Reader], **more: Any) -> Outcome:
        head, ledger = self.head(), self.ledger
        heard = [reader.heard for reader in readers]
        figures = {
            "readers": len(readers),
            "items": len(ledger.texts),
            "deliveries": sum(each.delivered for each in heard),
            "connections": sum(each.connections for each in heard),
            "silent gaps": sum(each.silent for each in heard),
            "duplicated or reordered": sum(each.doubled for each in heard),
            "altered": ledger.altered,
            "phantoms": ledger.phantoms,
            "incomplete readers": sum(each.position != head for each in heard),
        }
        names = ("silent gaps", "duplicated or reordered", "altered", "phantoms", "incomplete readers")
        return Outcome(figures | more, sum(figures[name] for name in names))

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
        await self.server.stop(signal.SIGKILL)
        await self.proxy.stop()
        self.store.kill()


@asynccontextmanager
async def rig(
    scale: Scale, *redis: str, port: int = 0, workers: int = 2, serve: bool = True, **environ: str
) -> AsyncIterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        folder = Path(name)
        store = Store(folder, *redis, program=scale.program, port=port)
        proxy = Proxy(folder / "proxy.sock", store.socket)
        server = LiveServer(f"unix://{folder / 'proxy.sock'}", folder, "--workers", str(workers))
        server.environ |= {"LIVEFEED_PUBLISH_RATE": "100000", "LIVEFEED_PUBLISH_BURST": "1000000", **environ}
        own = Rig(folder, store, proxy, server)
        try:
            await store.start_soon()
            await proxy.start()
            if serve:
                await server.start()
                await own.put_feed()
            yield own
        finally:
            await own.close()
