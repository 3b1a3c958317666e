from __future__ import annotations

import pytest
from redis.asyncio import Redis

from livefeed.auth.headers import PagePolicy
from livefeed.exceptions import ConfigError
from tests.auth.door import ADMIN_KEY, Door


@pytest.mark.parametrize("path", ["/read/world", "/desk/world", "/v1/feeds/world/whoami", "/v1/keys", "/nowhere"])
async def test_every_answer_says_what_browsers_must_not_do(door: Door, path: str) -> None:
    async with door.client() as client:
        answer = await client.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


async def test_a_refusal_says_it_too(door: Door) -> None:
    async with door.client(authorization="Bearer wrong") as client:
        answer = await client.get("/read/world")
    assert answer.status_code == 401
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_readers_pages_can_be_embedded_and_the_desk_cannot(redis: Redis) -> None:
    door = Door(redis, frame_ancestors=["https://news.example"])
    async with door.client() as client:
        read, desk = await client.get("/read/world"), await client.get("/desk/world")
    assert "frame-ancestors https://news.example" in read.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in desk.headers["content-security-policy"]


@pytest.mark.parametrize(
    "ancestor", ["news.example", "https://a.example; script-src *", "'unsafe-inline'", "https://a\r\nx: y", "javascript:x"]
)
def test_ancestors_that_would_change_the_policy_stop_the_start(ancestor: str) -> None:
    with pytest.raises(ConfigError):
        PagePolicy([ancestor])


async def test_what_a_session_saw_is_kept_by_no_shared_cache(door: Door) -> None:
    async with door.client() as client:
        assert (await client.get("/read/world")).headers["cache-control"] == "public, max-age=60"
        await client.post("/v1/session", headers={"authorization": f"Bearer {ADMIN_KEY}"})
        assert (await client.get("/read/world")).headers["cache-control"] == "private, no-cache"
