"""The ASGI application of one worker, composed from the settings."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from livefeed.api.counting import CountingMiddleware
from livefeed.api.docs.endpoints import Docs
from livefeed.api.events import Events
from livefeed.api.feeds import Feeds
from livefeed.api.formats.endpoints import Formats
from livefeed.api.health import Health
from livefeed.api.items import Items
from livefeed.api.listing import Lists
from livefeed.api.pages.desk import Desk
from livefeed.api.pages.endpoints import Pages
from livefeed.api.pages.wall import Wall
from livefeed.api.presence import Presence
from livefeed.api.problems import HANDLERS
from livefeed.api.publishing import Publishing
from livefeed.api.sockets import Sockets
from livefeed.auth.authenticator import Authenticator
from livefeed.auth.cors import CorsMiddleware
from livefeed.auth.endpoints import AuthEndpoints
from livefeed.auth.forwarded import ForwardedMiddleware
from livefeed.auth.headers import HeadersMiddleware, PagePolicy
from livefeed.auth.jwks import KeySet
from livefeed.auth.keys import Keys
from livefeed.auth.middleware import AuthMiddleware
from livefeed.auth.origins import Origins
from livefeed.auth.tokens import TokenRules, Tokens
from livefeed.auth.vouchers import Vouchers
from livefeed.background import background
from livefeed.config import Config
from livefeed.counters import Counters
from livefeed.doorway import Doorway
from livefeed.exceptions import ConfigError, Unavailable
from livefeed.hub import Hub
from livefeed.limits import Meter, Rate
from livefeed.log.audit import Audit
from livefeed.log.catalog import Catalog
from livefeed.log.connect import Backend, connect, inspect
from livefeed.log.doorbell import BLOCK, doorbell
from livefeed.log.durability import Durability
from livefeed.log.editor import Editor
from livefeed.log.eventlog import EventLog
from livefeed.log.headcount import Headcount
from livefeed.log.inbox import Inbox
from livefeed.log.itemstore import ItemStore
from livefeed.log.listener import AHEAD
from livefeed.log.roster import Roster
from livefeed.log.scheduler import Scheduler
from livefeed.log.sweeper import Sweeper
from livefeed.log.tail import LISTENERS
from livefeed.metrics import Board, Exposition, FeedFigures
from livefeed.net import ConnectionLimits, Network
from livefeed.proxies import TrustedProxies
from livefeed.ticks import pause
from livefeed.version import __version__

__all__ = ["Application", "create_app"]

_TICK = 1.0
"""Seconds between two updates of the shared metrics board."""

_SESSION = 12 * 3600
"""Seconds that a browser stays signed in: one shift and its handover."""

_TICKET = 30
"""Seconds in which a ticket must be used."""

_AT_DESK = 15
"""Seconds after its last report that a desk counts as present; it reports every three."""

_SCREENS = 24 * 3600
"""Seconds after its last report that a screen is still listed, as missing."""

_FEEDS_TOLD = 1_000
"""Feeds with metrics of their own: each one adds a time series to the collector."""

_SPARE_FILES = 128
"""File descriptors reserved for Redis, the store and the log; client connections may use the rest."""


class Application:
    """The parts of one worker. `asgi` is the application; `drain` dismisses the readers before the server stops."""

    def __init__(self, config: Config, backend: Backend, *, counters: Counters, board: Board, row: int) -> None:
        assert config.redis_url is not None
        self.config = config
        self.draining = False
        self.counters = counters
        self._redis = connect(config.redis_url)
        # Blocking reads have connections of their own: a few for the tail, one for the inboxes; in a Cluster one for each feed.
        self._blocking = connect(config.redis_url, timeout=BLOCK / 1000 + 1, connections=10_000)
        self._bells = [doorbell(self._blocking, self._redis, most=AHEAD) for _ in range(LISTENERS)]
        self._inboxes = doorbell(self._blocking, self._redis)
        self._log = EventLog(self._redis, backend, durability=Durability(config.durability))
        self._catalog = Catalog(self._redis)
        self._items = ItemStore(self._redis)
        self._editor = Editor(self._log, self._items, self._catalog, counters)
        self._audit = Audit(self._redis, counters)
        self._formats = Formats(self._catalog, self._items, self._log, _now, config.public_url)
        self._hub = Hub(
            self._log,
            self._items,
            self._catalog,
            self._bells,
            version=__version__,
            counters=counters,
            forget=self._formats.drop,
        )
        self._headcount = Headcount(self._redis, self._readers_here)
        self._authenticator = _authenticator(config, self._redis)
        events = Events(self._hub)
        self.network = Network(_limits(config), counters, Doorway(events, Origins(config.allowed_origins)))
        self._exposition = Exposition(board, row, counters, __version__)
        self.asgi: ASGIApp = Starlette(
            routes=self._routes(events),
            middleware=_middleware(config, counters, self._authenticator),
            exception_handlers=HANDLERS,
            lifespan=self._lifespan,
        )

    def _routes(self, events: Events) -> list[BaseRoute]:
        pages = Pages(self._catalog, self._items, self._headcount.of, _now, base=self.config.public_url, version=__version__)
        desks, screens = Roster(self._redis, keep=_AT_DESK, most=200), Roster(self._redis, keep=_SCREENS, most=500)
        presence = Presence(self._catalog, desks, screens)
        publishing = Publishing(self._editor, self._audit)
        return [
            *events.routes(),
            *Sockets(self._hub, publishing).routes(),
            *Items(publishing, Lists(self._items, self._catalog)).routes(),
            *self._formats.routes(),
            *pages.routes(),
            *Desk(pages, self._catalog).routes(),
            *Wall(pages, presence).routes(),
            *presence.routes(),
            *Feeds(self._catalog, self._audit, self._headcount.of).routes(),
            *AuthEndpoints(self._authenticator, self._audit, token_lifetime=self.config.token_lifetime).routes,
            *Health(self._faults, self._figures).routes(),
            *Docs(__version__).routes(),
            # For other paths the router would reject the handshake with 403, as if a credential could help.
            WebSocketRoute("/{path:path}", _nothing_here),
        ]

    def _readers_here(self) -> Mapping[str, int]:
        return {feed: len(channel.readers) for feed, channel in self._hub.channels.items()}

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        works = {
            "counters": self._tick,
            "authenticator": self._authenticator.run,
            "audit": self._audit.run,
            "headcount": self._headcount.run,
            "scheduler": Scheduler(self._editor).run,
            "sweeper": Sweeper(self._catalog, self.counters).run,
            "inbox": Inbox(self._editor, self._inboxes, self.counters, self._audit).run,
        }
        async with self._hub, background(works):
            yield
        self._exposition.copy()
        await self._audit.close()
        for bell in (*self._bells, self._inboxes):
            await bell.aclose()
        await self._blocking.aclose()
        await self._redis.aclose()

    async def drain(self) -> None:
        """Dismiss the readers over part of the grace time, so that they do not all reconnect at the same moment."""
        self.draining = True
        await self._hub.drain(self.config.grace / 4)
        await self.network.drained(self.config.grace / 4)

    async def _faults(self) -> Sequence[str]:
        """The reasons why this worker is not ready; empty when it is."""
        if self.draining:
            return ["the server is stopping"]
        if not self._hub.ready:
            return ["the event log cannot be read"]
        try:
            async with asyncio.timeout(1.0):
                await self._redis.ping()
        except (RedisError, OSError, TimeoutError):
            return ["Redis does not answer"]
        return []

    async def _figures(self) -> bytes:
        """The `/metrics` document. While Redis is unreachable it lacks the metrics of single feeds."""
        try:
            async with asyncio.timeout(1.0):
                found = await self._catalog.get_many((await self._catalog.names())[:_FEEDS_TOLD])
        except (Unavailable, TimeoutError):
            found = []
        feeds = [FeedFigures(f.name, f.head.ms / 1000, self._headcount.of(f.name)) for f in found if f is not None]
        return self._exposition.text(feeds)

    async def _tick(self) -> None:
        while True:
            await pause(_TICK)
            self._exposition.copy()


def _authenticator(config: Config, redis: Redis) -> Authenticator:
    if config.admin_key is None:
        raise ConfigError("LIVEFEED_ADMIN_KEY is required: only `livefeed serve` generates one")
    rules = TokenRules(issuer=config.token_issuer, max_lifetime=config.token_lifetime)
    return Authenticator(
        Keys(redis, config.admin_key),
        Tokens(KeySet(secret=config.token_secret, source=config.token_keys), rules),
        Vouchers(redis, "session", _SESSION),
        Vouchers(redis, "ticket", _TICKET),
        Meter(Rate(config.publish_rate, config.publish_burst)),
    )


def _middleware(config: Config, counters: Counters, authenticator: Authenticator) -> list[Middleware]:
    """The middleware, outermost first, so that rejected requests get the security headers and are counted too."""
    origins = Origins(config.allowed_origins)
    return [
        Middleware(CountingMiddleware, counters),
        Middleware(ForwardedMiddleware, TrustedProxies(config.trusted_proxies)),
        Middleware(HeadersMiddleware, PagePolicy(config.frame_ancestors)),
        Middleware(CorsMiddleware, origins),
        Middleware(AuthMiddleware, authenticator, origins),
    ]


def _limits(config: Config) -> ConnectionLimits:
    return ConnectionLimits(
        write_timeout=config.stuck_after,
        compression=config.compression,
        connections=config.max_connections or _open_files(),
        connections_per_address=config.connections_per_address or None,
        proxies=TrustedProxies(config.trusted_proxies),
    )


def _open_files() -> int | None:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else max(1, limit - _SPARE_FILES)


async def _nothing_here(_: WebSocket) -> None:
    raise HTTPException(404)


def _now() -> int:
    return time.time_ns() // 1_000_000


async def create_app(config: Config) -> ASGIApp:
    """The application for any ASGI server: one worker, on the Redis of `LIVEFEED_REDIS_URL`."""
    if config.redis_url is None:
        raise ConfigError("LIVEFEED_REDIS_URL is required: only `livefeed serve` starts the embedded store")
    client = connect(config.redis_url)
    try:
        backend = await inspect(client, config.redis_url)
    finally:
        await client.aclose()
    return Application(config, backend, counters=Counters(), board=Board(1), row=0).asgi
