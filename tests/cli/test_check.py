from __future__ import annotations

import asyncio

import pytest
from click.testing import CliRunner, Result

from livefeed.cli import main
from tests.scripted import answer, problem, scripted


@pytest.fixture
def environ(redis_url: str) -> dict[str, str]:
    return {"LIVEFEED_REDIS_URL": redis_url, "LIVEFEED_URL": ""}


async def check(url: str, environ: dict[str, str]) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, main, ["check", "--url", url], env=environ)


async def test_a_server_that_is_ready(environ: dict[str, str]) -> None:
    async with scripted(answer(200, {"status": "ready"})) as server:
        told = await check(server.url, environ)
    assert (server.requests[0].method, server.requests[0].path) == ("GET", "/readyz")
    assert told.exit_code == 0
    assert told.output.splitlines()[2:] == [f"server    {server.url} is ready"]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (problem(503, "the event log cannot be read"), "the event log cannot be read"),
        (answer(503, b"<h1>No server is available</h1>", type="text/html"), "/readyz answered 503 Word"),
        (answer(503, b"{broken", type="application/problem+json"), "/readyz answered 503 Word"),
        (answer(503, ["a list"]), "/readyz answered 503 Word"),
    ],
)
async def test_a_server_that_is_not_ready_says_why_as_far_as_it_can(environ: dict[str, str], reply: bytes, said: str) -> None:
    """A proxy in front of it answers in its own words, or in none that can be read."""
    async with scripted(reply) as server:
        told = await check(server.url, environ)
    assert told.exit_code == 1
    assert isinstance(told.exception, SystemExit)
    assert told.output.splitlines()[2].startswith(f"server    FAULT: {server.url} is not ready: ")
    assert told.output.rstrip().endswith(said)


async def test_each_fault_is_told_and_not_only_the_first(environ: dict[str, str]) -> None:
    async with scripted() as server:
        gone = server.url
    told = await check(gone, environ | {"LIVEFEED_REDIS_URL": "redis://127.0.0.1:1"})
    assert told.exit_code == 1
    settings, redis, http = told.output.splitlines()
    assert settings == "settings  ok"
    assert redis.startswith("redis     FAULT: ")
    assert http.startswith(f"server    FAULT: nothing answers at {gone}")
