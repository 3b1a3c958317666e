"""The sweeper: applies retention to feeds without new events, and completes deletions."""

from __future__ import annotations

import asyncio
import random

import structlog

from livefeed.counters import Counters
from livefeed.exceptions import Unavailable
from livefeed.log import scripts
from livefeed.log.catalog import Catalog

__all__ = ["Sweeper"]

INTERVAL = 30.0
"""Seconds between sweeps. Every worker does it: one short script per feed is cheaper than electing a leader."""

_log = structlog.get_logger("livefeed.sweeper")


class Sweeper:
    """Sweeps every feed, on average every *interval* seconds."""

    def __init__(self, catalog: Catalog, counters: Counters, *, interval: float = INTERVAL) -> None:
        self.catalog = catalog
        self.counters = counters
        self.interval = interval

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(self.interval * random.uniform(0.5, 1.5))  # noqa: S311  # spreads the workers, keeps no secret
            try:
                for feed in await self.catalog.names():
                    await self.sweep(feed)
            except Unavailable as exc:
                _log.info("sweeping was postponed", reason=str(exc))

    async def sweep(self, feed: str) -> None:
        """Sweep one feed until nothing is left to remove."""
        while True:
            try:
                swept = await self.catalog.sweep(feed)
            except scripts.WrongTypeError as exc:
                _log.warning("a feed cannot be swept", feed=feed, reason=str(exc))
                return
            self.counters.foreign_entries += swept.foreign
            if not swept.trimmed and not swept.dropped:
                return
