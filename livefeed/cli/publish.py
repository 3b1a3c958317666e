"""`livefeed publish`: one item from the shell."""

from __future__ import annotations

import asyncio
from typing import Any, BinaryIO

import click
import orjson

from livefeed.cli.connection import connected
from livefeed.cli.fields import field_options, given_fields, read_item, url_option
from livefeed.client import Published

__all__ = ["command", "tell"]


@click.command("publish")
@click.argument("feed")
@field_options
@click.option("--uri", metavar="URI", help="The item's identity: publishing it again with the same URI does not create another.")
@click.option("--draft", is_flag=True, default=None, help="For the desk only, until it is published.")
@click.option("--item", "file", type=click.File("rb"), metavar="FILE", help="Read the item from a JSON file, or - for stdin.")
@click.option("--update", is_flag=True, help="Make a new version if the URI exists.")
@click.option("--json", "as_json", is_flag=True, help="Print the server's response as JSON.")
@url_option
def command(feed: str, file: BinaryIO | None, update: bool, as_json: bool, url: str | None, **options: Any) -> None:
    """Publish an item to FEED.

    The key is taken from LIVEFEED_TOKEN, or for a server on this machine from its data folder.
    """
    item = {**(read_item(file) if file else {}), **given_fields(options)}

    async def publish() -> Published:
        async with connected(url) as lf:
            return await lf.publish(feed, item, existing="update" if update else None)

    tell(asyncio.run(publish()), as_json=as_json)


def tell(published: Published, *, as_json: bool) -> None:
    """Print the result in one line."""
    if as_json:
        click.echo(orjson.dumps({"event": published.event, "item": published.item}))
        return
    item = published.item
    state = "created" if published.created else item["pubStatus"]
    click.echo(f"{published.event or 'not out yet'}  {item['id']}  version {item['version']}  {state}  {item['uri']}")
