"""An item's fields as options of a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

import click
import orjson

__all__ = ["field_options", "given_fields", "read_item", "url_option"]

_OPTIONS = (
    ("--headline", "headline", "TEXT", "One sentence, plain text."),
    ("--body", "bodyText", "TEXT", "Plain text."),
    ("--html", "bodyHtml", "HTML", "The body as HTML, instead of --body."),
    ("--summary", "summary", "TEXT", None),
    ("--slugline", "slugline", "TEXT", "Common to all items of one story."),
    ("--link", "link", "URL", "The article."),
    ("--by", "by", "NAME", None),
    ("--located", "located", "PLACE", None),
    ("--language", "language", "TAG", "Such as en or pt-BR."),
    ("--at", "contentCreated", "TIME", "The time to display and sort by, such as 2026-11-23T12:00:00Z."),
    ("--embargo", "embargoedUntil", "TIME", "Publish at this time."),
    ("--expires", "expires", "TIME", "Hide after this time."),
    ("--note", "edNote", "TEXT", "For the desk only."),
)

url_option = click.option("--url", envvar="LIVEFEED_URL", metavar="URL", help="The server.  [default: http://127.0.0.1:8000]")


def field_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The fields that publishing and updating have in common; they arrive as the keyword arguments that `given_fields` takes."""
    decorators = [click.option(flag, name, metavar=kind, help=text) for flag, name, kind, text in _OPTIONS]
    decorators += [
        click.option("--tag", "tags", multiple=True, metavar="TAG", help="Can be given more than once."),
        click.option("--urgency", type=click.IntRange(1, 9), help="1 is a flash.  [default: 5]"),
        click.option("--pinned/--not-pinned", default=None),
        click.option(
            "--pin-rank", "pinRank", type=click.IntRange(0, 1000), help="Order among the pinned ones, the lowest first."
        ),
        click.option("--key-event/--no-key-event", "keyEvent", default=None),
        click.option("--highlight/--no-highlight", default=None),
    ]
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


def given_fields(options: dict[str, Any]) -> dict[str, Any]:
    """The fields among *options* that were given, under their own names."""
    # click lowers the names of parameters.
    names = {
        name.lower(): name
        for name in ("bodyText", "bodyHtml", "contentCreated", "embargoedUntil", "edNote", "keyEvent", "pinRank")
    }
    return {
        names.get(name, name): list(value) if isinstance(value, tuple) else value
        for name, value in options.items()
        if value is not None and value != ()
    }


def read_item(file: BinaryIO) -> dict[str, Any]:
    """An item from a file."""
    try:
        item = orjson.loads(file.read())
    except orjson.JSONDecodeError as error:
        raise click.ClickException(f"{file.name} is not JSON: {error}") from None
    if not isinstance(item, dict):
        raise click.ClickException(f"{file.name} holds no item: it must be a JSON object")
    return item
