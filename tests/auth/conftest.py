from __future__ import annotations

import pytest
from redis.asyncio import Redis

from tests.auth.door import Door


@pytest.fixture
def door(redis: Redis) -> Door:
    return Door(redis)
