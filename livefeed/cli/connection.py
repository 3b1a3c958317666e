"""The connection of a command to the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from livefeed.client import Livefeed

__all__ = ["connected"]

_PATIENCE = 30.0
"""Seconds for which a command repeats its request: long enough for a server that is being restarted."""

_HINT_AFTER = 3.0
"""Seconds of silence after which a person wonders whether the command hangs."""


@asynccontextmanager
async def connected(url: str | None) -> AsyncIterator[Livefeed]:
    """A client for the server at *url*. If the server does not answer, stderr says so once, while requests are repeated."""
    reason = "the server has not answered yet"

    def retrying(failure: str, _: float) -> None:
        nonlocal reason
        reason = failure

    def hint() -> None:
        click.echo(f"livefeed: {reason}; trying for up to {_PATIENCE:.0f} s", err=True)

    timer = asyncio.get_running_loop().call_later(_HINT_AFTER, hint)
    try:
        async with Livefeed.from_environment(url, patience=_PATIENCE, on_retry=retrying) as lf:
            yield lf
    finally:
        timer.cancel()
