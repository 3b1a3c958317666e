"""The options of the commands that run or check the server."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from livefeed.config import Config, load

__all__ = ["config_option", "listen_options", "read"]

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML file with settings, named as in the environment.",
)


def listen_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        config_option,
        click.option("--workers", type=int, help="Worker processes on the one port.  [default: 1]"),
        click.option("--port", type=int, help="Port to listen on, 0 for a free one.  [default: 8000]"),
        click.option("--host", help="Address to listen on.  [default: 127.0.0.1]"),
    ):
        command = option(command)
    return command


def read(config_file: Path | None, **given: Any) -> Config:
    return load(os.environ, config_file, given)
