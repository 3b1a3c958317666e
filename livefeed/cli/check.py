"""`livefeed check`: whether the settings, Redis and the server are in order."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import click
import httpx2

from livefeed.cli.settings import config_option, read
from livefeed.client.answers import error_from
from livefeed.config import Config
from livefeed.exceptions import ConfigError
from livefeed.log.connect import connect, inspect
from livefeed.log.embedded import Embedded
from livefeed.log.engines import find_engine
from livefeed.server.run import address

__all__ = ["command"]


def _redis(config: Config) -> str:
    if config.redis_url is not None:
        return asyncio.run(_inspect(config.redis_url))
    store = Embedded(config.data_dir / "embedded", config.embedded_server)
    if asyncio.run(store.answers()):
        return f"{asyncio.run(_inspect(store.url))}, embedded, its data in {store.folder}"
    return f"not running; `livefeed serve` starts {find_engine(config.embedded_server)}, its data in {store.folder}"


async def _inspect(url: str) -> str:
    client = connect(url)
    try:
        backend = await inspect(client, url)
    finally:
        await client.aclose()
    return "; but ".join([str(backend), *backend.warnings])


def _server(url: str) -> str:
    try:
        answer = httpx2.get(f"{url.rstrip('/')}/readyz", timeout=5)
    except httpx2.HTTPError as exc:
        raise ConfigError(f"nothing answers at {url}: {str(exc) or type(exc).__name__}") from exc
    if answer.status_code != 200:
        raise ConfigError(f"{url} is not ready: {error_from(answer)}")
    return f"{url} is ready"


@click.command("check")
@config_option
@click.option("--url", envvar="LIVEFEED_URL", help="The server to check.  [default: the one with these settings]")
def command(config_file: Path | None, url: str | None) -> None:
    """Check the settings, Redis and the server. The exit status is 1 if one of them has a fault."""
    config = read(config_file)
    click.echo("settings  ok")
    checks: dict[str, Callable[[], str]] = {
        "redis": lambda: _redis(config),
        "server": lambda: _server(url or address(config, config.port)),
    }
    faults = 0
    for name, check in checks.items():
        try:
            click.echo(f"{name:<9} {check()}")
        except ConfigError as exc:
            faults += 1
            click.echo(f"{name:<9} FAULT: {exc}")
    if faults:
        sys.exit(1)
