"""The producers' command line: `python -m producers`, and `livefeed produce`."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from livefeed import Livefeed, Outbox
from livefeed.exceptions import LivefeedError
from producers.addresses import AddressRules, Network, parse_network
from producers.runner import run, state_path

__all__ = ["command"]


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """Shows expected errors as one sentence, without a traceback."""
        try:
            return super().invoke(ctx)
        except LivefeedError as error:
            raise click.ClickException(str(error)) from error


class _NetworkType(click.ParamType[Network]):
    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Network:
        try:
            return parse_network(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group(cls=_Commands, name="produce", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def command() -> None:
    """Publish items from feeds, folders and recordings.

    Each producer keeps its state and its unsent items in a file. It can be killed and restarted at any time.

    The key is read from LIVEFEED_TOKEN, or for a server on this machine from its data folder.
    """


def _common(function: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        click.option("--feed", required=True, metavar="F", help="Publish to this feed."),
        click.option("--url", envvar="LIVEFEED_URL", metavar="URL", help="The server.  [default: http://127.0.0.1:8000]"),
        click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="Keep the outbox in this file."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


_seconds = functools.partial(click.FloatRange, min=0.1)


@command.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@_common
@click.option("--interval", type=_seconds(max=86_400.0), default=300.0, show_default=True, help="Seconds between polls.")
@click.option("--once", is_flag=True, help="Do one round and exit.")
@click.option(
    "--allow-address", "allowed", type=_NetworkType(), multiple=True, metavar="ADDR", help="Fetch from there, though not public."
)
def rss(
    urls: tuple[str, ...],
    feed: str,
    url: str | None,
    state: Path | None,
    interval: float,
    once: bool,
    allowed: tuple[Network, ...],
) -> None:
    """Poll RSS, Atom or JSON feeds."""
    from producers.fetch import Fetcher
    from producers.parsing import Parser
    from producers.rss import Poller, poll_all

    async def job(outbox: Outbox) -> bool:
        await outbox.forget(days=400)
        parser = Parser()
        async with contextlib.aclosing(Fetcher(AddressRules(allowed))) as fetcher:
            pollers = [Poller(each, feed, outbox, fetcher, parser) for each in dict.fromkeys(urls)]
            return await poll_all(pollers, interval=interval, once=once)

    path = state or state_path("rss", feed, *sorted(urls))
    _exit(asyncio.run(run(job, lf=Livefeed.from_environment(url), path=path, once=once)))


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_common
@click.option("--speed", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Times as fast; 0: without waiting.")
@click.option("--loop/--once", help="Begin anew at the end, with new items, or exit.", show_default=True)
@click.option("--fresh", is_flag=True, help="Give each item the time of its replay.")
def replay(file: Path, feed: str, url: str | None, state: Path | None, speed: float, loop: bool, fresh: bool) -> None:
    """Replay a recording at the pace of its own timestamps.

    FILE contains one Livefeed item or MediaWiki recent change per line, or is a USGS GeoJSON summary of earthquakes.
    """
    from producers.recordings import Unknown
    from producers.replay import replay as play

    file = file.resolve()

    async def job(outbox: Outbox) -> bool:
        return await play(outbox, file, feed, speed=speed, loop=loop, fresh=fresh)

    path = state or state_path("replay", feed, str(file))
    try:
        _exit(asyncio.run(run(job, lf=Livefeed.from_environment(url), path=path, once=not loop)))
    except Unknown as error:
        raise click.ClickException(str(error)) from error


@command.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_common
@click.option(
    "--settle", type=_seconds(max=3600.0), default=1.0, show_default=True, help="Seconds without change before a file is whole."
)
@click.option("--once", is_flag=True, help="Take what is there and exit.")
def folder(directory: Path, feed: str, url: str | None, state: Path | None, settle: float, once: bool) -> None:
    """Publish the files that are delivered to a folder: Livefeed items, ninjs, or NewsML-G2."""
    from producers.folder import Folder

    async def job(outbox: Outbox) -> bool:
        watched = Folder(directory, feed, outbox, settle=settle)
        if once:
            return await watched.once()
        await watched.watch()
        return True

    path = state or state_path("folder", feed, str(directory.resolve()))
    _exit(asyncio.run(run(job, lf=Livefeed.from_environment(url), path=path, once=once)))


def _exit(status: int) -> None:
    click.get_current_context().exit(status)
