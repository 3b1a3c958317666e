"""`livefeed demo`: the server with a producer of sample news."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import as_file, files
from pathlib import Path

import click
import httpx2

from livefeed import logging
from livefeed.cli.settings import listen_options, read
from livefeed.config import Config
from livefeed.log import guard
from livefeed.server.run import serve

__all__ = ["command"]

FEED = "world"

_WELCOME = """
Livefeed is running, with a producer that replays a day of invented news.

  Read     {url}/read/{feed}
  Edit     {url}/desk/{feed}
  Watch    {url}/wall/{feed}
  Stream   curl -N {url}/v1/feeds/{feed}/events
  Publish  {program} publish {feed} --headline "Hello"{there}

{key}
Ctrl-C stops everything. The items are stored in {folder}.
"""


@asynccontextmanager
async def _producing(url: str, config: Config) -> AsyncIterator[None]:
    key = "" if "LIVEFEED_ADMIN_KEY" in os.environ else f"The desk asks for the key in {config.data_dir / 'admin.key'}.\n"
    assert config.admin_key is not None
    await _name_the_feed(url, config.admin_key)
    there = "" if url == "http://127.0.0.1:8000" else f" --url {url}"
    click.echo(_WELCOME.format(url=url, feed=FEED, program=_program(), there=there, key=key, folder=config.data_dir))
    environment = {**os.environ, "LIVEFEED_TOKEN": config.admin_key, "LIVEFEED_DATA_DIR": str(config.data_dir)}
    with as_file(files("livefeed") / "sample.jsonl") as sample:
        # Guarded like the store: the producer ends with this process, however that ends.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", guard.__file__),
            *(sys.executable, "-m", "producers", "replay", str(sample), "--feed", FEED, "--url", url, "--loop", "--fresh"),
            stdin=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        assert process.stdin is not None
        try:
            yield
        finally:
            process.stdin.close()
            await process.wait()


def _program() -> str:
    """The name under which this program was called, for the commands shown."""
    if shutil.which("livefeed"):
        return "livefeed"
    return sys.argv[0] if Path(sys.argv[0]).name == "livefeed" else "python -m livefeed"


async def _name_the_feed(url: str, key: str) -> None:
    """Create the feed with a title, unless it exists."""
    # This process itself serves *url*: its certificate need not be for this address.
    async with httpx2.AsyncClient(
        base_url=url, headers={"Authorization": f"Bearer {key}"}, verify=False, trust_env=False
    ) as http:
        if (await http.get(f"/v1/feeds/{FEED}")).status_code == 404:
            await http.put(f"/v1/feeds/{FEED}", json={"title": "Halden and the world", "language": "en"})


@click.command("demo")
@listen_options
def command(config_file: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve, with a producer that replays sample news."""
    quiet = None if "LIVEFEED_LOG_LEVEL" in os.environ else "warning"
    config = read(config_file, host=host, port=port, workers=workers, log_level=quiet)
    logging.configure(config.log_level, config.log_format)
    if not asyncio.run(serve(config, _producing)):
        sys.exit(1)
