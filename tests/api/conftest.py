"""A desk on an empty Redis for each test; for the tests of live streams one server, with a feed for each."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from redis.asyncio import Redis

from tests.api.desk import Desk, open_desk
from tests.api.livedesk import LiveDesk
from tests.served import ADMIN_KEY, running
from tests.stores import running_store

_feeds = itertools.count(1)


@pytest.fixture
async def desk(redis: Redis, redis_url: str) -> Desk:
    return await open_desk(redis, redis_url)


@pytest.fixture(scope="package")
def live_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_store() as store, running(tmp_path_factory.mktemp("server"), store.url) as server:
        yield server.url


@pytest.fixture
async def live_desk(live_url: str) -> AsyncIterator[LiveDesk]:
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Accept-Encoding": "identity"}
    async with httpx2.AsyncClient(base_url=live_url, headers=headers, trust_env=False) as http:
        desk = LiveDesk(http, f"feed-{next(_feeds)}")
        assert (await http.put(desk.path, json={"title": "T"})).status_code == 201
        yield desk
