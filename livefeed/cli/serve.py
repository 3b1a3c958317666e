"""`livefeed serve`: the server."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from livefeed import logging
from livefeed.cli.settings import listen_options, read
from livefeed.server.run import serve

__all__ = ["command"]


@click.command("serve")
@listen_options
def command(config_file: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve feeds until Ctrl-C or SIGTERM.

    Settings are LIVEFEED_* environment variables, or the same names in the --config file.
    """
    config = read(config_file, host=host, port=port, workers=workers)
    logging.configure(config.log_level, config.log_format)
    if not asyncio.run(serve(config)):
        sys.exit(1)
