"""Presence on a small application: what anybody may write is limited by address."""

from __future__ import annotations

import httpx2
from redis.asyncio import Redis
from starlette.applications import Starlette

from livefeed.api.presence import Presence
from livefeed.api.problems import HANDLERS
from livefeed.feeds import FeedSettings
from livefeed.limits import Rate
from livefeed.log.catalog import Catalog
from livefeed.log.roster import Roster


async def test_an_address_reports_screens_only_so_often(redis: Redis) -> None:
    catalog = Catalog(redis)
    await catalog.put("world", FeedSettings())
    screens = Roster(redis, keep=60, most=10)
    presence = Presence(catalog, screens, screens, reports=Rate(per_second=0.001, burst=3))
    app = Starlette(routes=presence.routes(), exception_handlers=HANDLERS)

    async def report(peer: str) -> httpx2.Response:
        transport = httpx2.ASGITransport(app, client=(peer, 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://feeds.example") as client:
            return await client.post("/v1/feeds/world/screens", json={"screen": "one", "state": "live"})

    answers = [await report("203.0.113.5") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [204, 204, 204, 429]
    assert int(answers[-1].headers["retry-after"]) > 1
    assert (await report("203.0.113.6")).status_code == 204
    # Whoever has one IPv6 address has 2^64 of them.
    answers = [await report(f"2001:db8:0:1::{n}") for n in range(4)]
    assert [answer.status_code for answer in answers] == [204, 204, 204, 429]
