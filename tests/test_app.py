"""One worker's application on an ASGI server that knows nothing of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from livefeed.app import create_app
from livefeed.config import load
from livefeed.exceptions import ConfigError
from tests.serving import serving

KEY = "a-key-for-the-tests-that-is-long-enough"


@pytest.fixture
async def http(redis_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    app = await create_app(load({"LIVEFEED_REDIS_URL": redis_url, "LIVEFEED_ADMIN_KEY": KEY}))
    headers = {"Authorization": f"Bearer {KEY}"}
    async with serving(app) as url, httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
        yield client


async def test_streams_through_plain_send(http: httpx2.AsyncClient) -> None:
    await http.post("/v1/feeds/world/items", json={"headline": "First"})
    async with http.stream("GET", "/v1/feeds/world/events?last=1") as answer:
        async for line in answer.aiter_lines():
            if "First" in line:
                return
    pytest.fail("the stream ended without its snapshot")


async def test_is_ready_and_tells_its_figures(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/readyz")).json() == {"status": "ready"}
    assert 'livefeed_responses_total{status="2xx",worker="0"} 1.0' in (await http.get("/metrics")).text


async def test_feeds_have_figures(http: httpx2.AsyncClient) -> None:
    await http.post("/v1/feeds/world/items", json={"headline": "First"})
    assert 'livefeed_feed_head_timestamp_seconds{feed="world"} 1.' in (await http.get("/metrics")).text


async def test_answers_are_counted_by_kind(http: httpx2.AsyncClient) -> None:
    await http.get("/nowhere")
    assert 'livefeed_responses_total{status="4xx",worker="0"} 1.0' in (await http.get("/metrics")).text


@pytest.mark.parametrize(
    ("environ", "told"),
    [({}, "LIVEFEED_REDIS_URL is required"), ({"LIVEFEED_REDIS_URL": "URL"}, "LIVEFEED_ADMIN_KEY is required")],
)
async def test_what_only_the_server_makes_is_needed(redis_url: str, environ: dict[str, str], told: str) -> None:
    given = {name: value.replace("URL", redis_url) for name, value in environ.items()}
    with pytest.raises(ConfigError, match=told):
        await create_app(load(given))
