"""`livefeed produce`: the producers, as `python -m producers` has them."""

from __future__ import annotations

import click

from livefeed import logging
from producers import commands

__all__ = ["command"]


@click.group("produce", commands=commands.command.commands, help=commands.command.help)
def command() -> None:
    logging.configure("info", "auto")
