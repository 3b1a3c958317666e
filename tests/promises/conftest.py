"""A log and its model on the session's Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from redis import Redis as Client

from livefeed.log.connect import connect, inspect
from tests.promises.strangers import World


@pytest.fixture
def make_world(redis_url: str) -> Iterator[Callable[[], World]]:
    """Makes a world that is empty; the one made before is gone then."""
    # A busy machine must not look like a Redis that is away: hence the long timeout, here and in the world's editor.
    with asyncio.Runner() as runner, Client.from_url(redis_url) as hand:
        loop = runner.get_loop()
        redis = connect(redis_url, timeout=60.0)
        backend = loop.run_until_complete(inspect(redis, redis_url))
        yield lambda: World(loop, redis, hand, backend)
        loop.run_until_complete(redis.aclose())


@pytest.fixture
def world(make_world: Callable[[], World]) -> World:
    return make_world()
