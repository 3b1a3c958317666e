"""One real Redis for the whole session, empty at the beginning of each test."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis as redis_client
from redis import asyncio as redis_asyncio

from livefeed.log.connect import connect
from tests.live import LiveServer, live_server
from tests.stores import Store, running_store


def pytest_configure() -> None:
    # A shell's background job ignores SIGINT, and so would every program that the tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Who ends the tests from outside does not want their servers to stay.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def _session_store() -> Iterator[Store]:
    with running_store() as store:
        yield store


@pytest.fixture
def redis_url(_session_store: Store) -> str:
    """The address of an empty Redis."""
    with redis_client.Redis.from_url(_session_store.url) as client:
        client.flushall()
        client.script_flush()
        client.config_resetstat()
    return _session_store.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[redis_asyncio.Redis]:
    """A client as the server makes them: bytes, one shape of answers, no retries."""
    client = connect(redis_url, timeout=5.0, connections=64)
    yield client
    await client.aclose()


@pytest.fixture
async def server(redis_url: str, tmp_path: Path) -> AsyncIterator[LiveServer]:
    """The whole server on that Redis."""
    async with live_server(redis_url, tmp_path) as server:
        yield server


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A temporary folder for sockets: a unix socket's path may have 107 bytes, and pytest's `tmp_path` is deep."""
    with tempfile.TemporaryDirectory(prefix="livefeed-") as folder:
        yield Path(folder)


@pytest.fixture
def store(short_path: Path) -> Iterator[Store]:
    """A Redis of the test's own, not started yet, that keeps an append-only file: to be killed and started again."""
    own = Store(short_path, "--appendonly", "yes", "--appendfsync", "everysec", "--aof-use-rdb-preamble", "no")
    yield own
    own.kill()
