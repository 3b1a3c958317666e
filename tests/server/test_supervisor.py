"""What the supervisor does with workers, without the command around it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from livefeed.config import load
from livefeed.exceptions import ConfigError
from livefeed.log.connect import connect, inspect
from livefeed.server.listeners import Listeners
from livefeed.server.supervisor import Supervisor
from tests.waiting import until


async def supervisor(redis_url: str, folder: Path, patience: float = 30.0, **settings: str) -> Supervisor:
    environ = {f"LIVEFEED_{name.upper()}": value for name, value in settings.items()}
    environ |= {"LIVEFEED_REDIS_URL": redis_url, "LIVEFEED_DATA_DIR": str(folder), "LIVEFEED_LOG_LEVEL": "error"}
    config = load({"LIVEFEED_ADMIN_KEY": "a-key-for-the-tests-that-is-long-enough", **environ})
    client = connect(redis_url)
    backend = await inspect(client, redis_url)
    await client.aclose()
    listeners = Listeners("127.0.0.1", 0, config.workers, send_buffer=65536, dead_after=20)
    return Supervisor(config, backend, listeners, patience=patience)


def pids(running: Supervisor) -> list[int]:
    return [process.pid for process in running._processes.values()]


async def test_worker_that_hangs_is_killed_and_started_again(redis_url: str, tmp_path: Path) -> None:
    """A loop that stands still serves nobody, and does not end by itself."""
    running = await supervisor(redis_url, tmp_path, patience=3.0)
    assert await running.start()
    (first,) = pids(running)
    with capture_logs() as logs:
        watching = asyncio.create_task(running.run())
        os.kill(first, signal.SIGSTOP)
        await until(lambda: bool(pids(running)) and pids(running) != [first], timeout=30)
    assert "a worker hangs and is killed" in [line["event"] for line in logs]
    running.ask_to_stop()
    await watching
    assert await running.stop()


async def test_signal_during_the_start_is_heard(redis_url: str, tmp_path: Path) -> None:
    running = await supervisor(redis_url, tmp_path, workers="2")
    running.ask_to_stop()
    assert not await running.start()
    assert await running.stop()
    assert pids(running) == []


async def test_worker_that_cannot_start_says_why(redis_url: str, tmp_path: Path) -> None:
    running = await supervisor(redis_url, tmp_path, allowed_origins="nonsense")
    with pytest.raises(ConfigError, match="'nonsense' is not an origin"):
        await running.start()
    assert pids(running) == []
