"""`livefeed update`, `hold`, `release`, `cancel` and `publish-draft`: changes to an item that exists."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import click

from livefeed.cli.connection import connected
from livefeed.cli.fields import field_options, given_fields, url_option
from livefeed.cli.publish import tell
from livefeed.client import Item, Livefeed, Published
from livefeed.exceptions import NotFound

__all__ = ["cancel", "hold", "publish_draft", "release", "update"]

_Verb = Callable[[Livefeed, Item], Awaitable[Published]]

_json = click.option("--json", "as_json", is_flag=True, help="Print the server's response as JSON.")
_reason = click.option("--reason", metavar="TEXT", help="Shown to readers instead of the item.")


def _of_an_item(command: Callable[..., None]) -> Callable[..., None]:
    """The arguments FEED and ITEM, and the options that all commands of this module have."""
    for add in (url_option, _json, click.argument("item"), click.argument("feed")):
        command = add(command)
    return command


@click.command()
@field_options
@click.option("--correction", metavar="TEXT", help="Label the change as a correction, with this explanation.")
@_of_an_item
def update(feed: str, item: str, as_json: bool, url: str | None, **options: Any) -> None:
    """Change fields of ITEM, an id or a URI. Fails if someone else changes it at the same time."""
    changes = given_fields(options)
    if not changes:
        raise click.UsageError("nothing to change: give at least one field, such as --headline")
    _do(feed, item, url, as_json, lambda lf, found: lf.patch(feed, found["id"], changes, version=found["version"]))


@click.command()
@_reason
@_of_an_item
def hold(feed: str, item: str, reason: str | None, as_json: bool, url: str | None) -> None:
    """Withhold ITEM, an id or a URI, while it is checked."""
    _do(feed, item, url, as_json, lambda lf, found: lf.hold(feed, found["id"], reason=reason))


@click.command()
@_of_an_item
def release(feed: str, item: str, as_json: bool, url: str | None) -> None:
    """Make a withheld ITEM, an id or a URI, usable again."""
    _do(feed, item, url, as_json, lambda lf, found: lf.release(feed, found["id"]))


@click.command()
@_reason
@_of_an_item
def cancel(feed: str, item: str, reason: str | None, as_json: bool, url: str | None) -> None:
    """Kill ITEM, an id or a URI, permanently."""
    _do(feed, item, url, as_json, lambda lf, found: lf.cancel(feed, found["id"], reason=reason))


@click.command("publish-draft")
@_of_an_item
def publish_draft(feed: str, item: str, as_json: bool, url: str | None) -> None:
    """Publish the draft ITEM, an id or a URI."""
    _do(feed, item, url, as_json, lambda lf, found: lf.publish_draft(feed, found["id"]))


def _do(feed: str, name: str, url: str | None, as_json: bool, verb: _Verb) -> None:
    async def do() -> Published:
        async with connected(url) as lf:
            return await verb(lf, await _find(lf, feed, name))

    tell(asyncio.run(do()), as_json=as_json)


async def _find(lf: Livefeed, feed: str, name: str) -> Item:
    """The item by its id, or by its uri, which has a colon."""
    if ":" not in name:
        return await lf.get(feed, name, desk=True)
    found = (await lf.list(feed, uri=name, desk=True)).items
    if not found:
        raise NotFound(f"no item of {feed} has the uri {name!r}")
    return found[0]
