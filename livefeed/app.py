"""The application of one worker: its rooms, built from the settings and joined into one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livefeed.api.health import Health
from livefeed.api.problems import HANDLERS
from livefeed.config import Config
from livefeed.counters import Counters
from livefeed.exceptions import ConfigError
from livefeed.log.connect import connect
from livefeed.metrics import Board, Exposition
from livefeed.version import __version__

__all__ = ["Application", "create_app"]

_TICK = 0.5
"""Seconds between two copies of the counters to the board, and two looks at how late the loop is."""


class Application:
    """One worker's rooms. `asgi` serves; `drain` says goodbye to the readers before the server stops."""

    def __init__(self, config: Config, counters: Counters, board: Board, row: int) -> None:
        if config.redis_url is None:
            raise ConfigError("LIVEFEED_REDIS_URL is needed: only `livefeed serve` starts the embedded store")
        self.draining = False
        self._counters = counters
        self._redis = connect(config.redis_url)
        self._exposition = Exposition(board, row, counters, __version__)
        health = Health(self._faults, self._exposition.text)
        self.asgi: ASGIApp = _Counted(
            Starlette(routes=[*health.routes()], exception_handlers=HANDLERS, lifespan=self._lifespan), counters
        )

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        ticking = asyncio.create_task(self._tick(), name="counters")
        try:
            yield
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
            self._exposition.copy()
            await self._redis.aclose()

    async def drain(self) -> None:
        """See the readers off."""

    async def _faults(self) -> Sequence[str]:
        """What keeps this worker from serving."""
        if self.draining:
            return ["the server is stopping"]
        try:
            async with asyncio.timeout(1.0):
                await self._redis.ping()
        except (RedisError, OSError, TimeoutError):
            return ["Redis does not answer"]
        return []

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _TICK
            await asyncio.sleep(_TICK)
            self._counters.loop_lag_seconds.observe(max(0.0, loop.time() - due))
            self._exposition.copy()


class _Counted:
    """Counts the answers by their kind."""

    def __init__(self, app: ASGIApp, counters: Counters) -> None:
        self._app = app
        self._counters = counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(message["status"])
            await send(message)

        return await self._app(scope, receive, counted)

    def _count(self, status: int) -> None:
        if status >= 500:
            self._counters.responses_server_error += 1
        elif status >= 400:
            self._counters.responses_client_error += 1
        elif status >= 300:
            self._counters.responses_redirect += 1
        else:
            self._counters.responses_ok += 1


def create_app(config: Config) -> ASGIApp:
    """The application for any ASGI server: one worker, on the Redis of `LIVEFEED_REDIS_URL`."""
    return Application(config, Counters(), Board(1), 0).asgi
