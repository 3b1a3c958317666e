"""`livefeed tail`: follow a feed in the terminal, or in a pipe."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Coroutine
from typing import Any

import click

from livefeed.cli.fields import url_option
from livefeed.cli.screen import Screen, plain
from livefeed.client import Livefeed
from livefeed.cursors import Cursor

__all__ = ["command"]


@click.command("tail")
@click.argument("feed")
@click.option("--after", metavar="CURSOR", help="Start after this position.")
@click.option("--since", metavar="TIME", help="Start at a time, or at an age such as 15m or 2h.")
@click.option(
    "--last", type=click.IntRange(0, 200), metavar="N", help="Start with the N newest items.  [default: 10; with --json none]"
)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only items with this tag; repeat for any of several.")
@click.option("--urgency", type=click.IntRange(1, 9), metavar="N", help="Only items with this urgency or more urgent.")
@click.option("--json", "as_json", is_flag=True, help="Print one CloudEvent per line.")
@url_option
def command(
    feed: str,
    after: str | None,
    since: str | None,
    last: int | None,
    tags: tuple[str, ...],
    urgency: int | None,
    as_json: bool,
    url: str | None,
) -> None:
    """Follow FEED until Ctrl-C. After a lost connection it resumes where it was."""
    if after is not None:
        # The client would get a reset for an invalid cursor; a person who typed it needs an error.
        Cursor.parse(after)
    if last is None and after is None and since is None and not as_json:
        last = 10

    async def follow() -> None:
        screen = Screen()
        async with Livefeed.from_environment(url) as lf:
            events = lf.events(feed, after=after, since=since, last=last, tags=tags, urgency=urgency, on_lost=_tell_lost)
            async for event in events:
                for line in [event.json] if as_json else screen.lines(event):
                    click.echo(line)

    try:
        asyncio.run(_while_read(follow()))
    except KeyboardInterrupt:
        click.get_current_context().exit(130)
    except BrokenPipeError:
        # Python flushes stdout once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        click.get_current_context().exit(0)


async def _while_read(work: Coroutine[Any, Any, None]) -> None:
    """Do *work* until it ends or nobody reads stdout any more."""
    following, closed = asyncio.create_task(work), asyncio.create_task(_closed(sys.stdout.fileno()))
    try:
        await asyncio.wait((following, closed), return_when=asyncio.FIRST_COMPLETED)
    finally:
        closed.cancel()
        following.cancel()
        ended = await asyncio.gather(following, return_exceptions=True)
    if isinstance(ended[0], Exception):
        raise ended[0]


async def _closed(fd: int) -> None:
    """Wait until the pipe *fd* has no reader. Without this, `… | head -1` would run until the next event is written."""
    closed = asyncio.Event()
    if not stat.S_ISFIFO(os.fstat(fd).st_mode):
        await closed.wait()
    loop = asyncio.get_running_loop()
    # Nothing can be read from the write end: it becomes "readable" when its other end is closed.
    loop.add_reader(fd, closed.set)
    try:
        await closed.wait()
    finally:
        loop.remove_reader(fd)


def _tell_lost(reason: str, wait: float) -> None:
    click.echo(f"livefeed: {plain(reason)}; next attempt in {wait:.1f} s", err=True)
