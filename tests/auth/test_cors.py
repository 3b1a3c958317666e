from __future__ import annotations

import pytest
from redis.asyncio import Redis

from tests.auth.door import ADMIN_KEY, Door

LISTED = "https://news.example"
FOREIGN = [
    "https://evil.example",
    "null",
    "https://news.example.evil.example",
    "https://evilnews.example",
    "http://news.example",
    "https://news.example:8443",
    "https://sub.news.example",
    "https://news.example/",
    "https://news.exampl",
    "HTTPS://NEWS.EXAMPLE",
    "https://news.example ",
    "*",
]


@pytest.fixture
def door(redis: Redis) -> Door:
    return Door(redis, origins=[LISTED])


@pytest.mark.parametrize("origin", FOREIGN)
async def test_foreign_pages_read_what_is_public_and_never_with_credentials(door: Door, origin: str) -> None:
    async with door.client(origin=origin) as client:
        answer = await client.get("/v1/feeds/world/whoami")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_foreign_pages_are_allowed_no_publishing(door: Door, origin: str) -> None:
    async with door.client(origin=origin, access_control_request_method="POST") as client:
        answer = await client.options("/v1/feeds/world/items")
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/session", "/v1/keys", "/v1/tickets", "/v1/audit", "/desk/world", "/metrics", "/"])
async def test_what_is_not_for_pages_allows_foreign_pages_nothing(door: Door, path: str) -> None:
    async with door.client(origin="https://evil.example", access_control_request_method="GET") as client:
        preflight = await client.options(path)
        answer = await client.get(path)
    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-origin" not in answer.headers


async def test_a_listed_page_may_use_its_credentials(door: Door) -> None:
    async with door.client(origin=LISTED, access_control_request_method="PATCH") as client:
        preflight = await client.options("/v1/feeds/world/items/x")
    async with door.client(origin=LISTED, authorization=f"Bearer {ADMIN_KEY}") as client:
        answer = await client.post("/v1/feeds/world/items")
    assert answer.status_code == 201
    for headers in (preflight.headers, answer.headers):
        assert headers["access-control-allow-origin"] == LISTED
        assert headers["access-control-allow-credentials"] == "true"
        assert "Origin" in headers["vary"]
    assert "PATCH" in preflight.headers["access-control-allow-methods"]


async def test_a_refusal_can_be_read_by_the_page_that_caused_it(door: Door) -> None:
    async with door.client(origin=LISTED, authorization="Bearer wrong") as client:
        answer = await client.get("/v1/feeds/world/whoami")
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == LISTED


async def test_without_a_list_answers_are_the_same_for_all_origins(redis: Redis) -> None:
    async with Door(redis).client() as client:
        answer = await client.get("/v1/feeds/world/whoami")
    assert "vary" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_an_options_request_that_is_no_preflight_goes_on(door: Door) -> None:
    async with door.client() as client:
        assert (await client.options("/v1/feeds/world/items")).status_code == 405
