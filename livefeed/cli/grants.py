"""The options with which a key or token is granted something."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

from livefeed.grants import grants_to_dict, parse_grants

__all__ = ["Duration", "grant_options", "read_grants"]

_ROLES = {
    "read": "Read private feeds",
    "contribute": "Write drafts",
    "publish": "Publish, and read",
    "edit": "Change, hold and cancel what others published, and publish",
}


def grant_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--admin", is_flag=True, help="Everything on every feed.")(command)
    for role, help_text in reversed(_ROLES.items()):
        option = click.option(f"--{role}", multiple=True, metavar="FEED", help=f"{help_text}: a feed, 'sport.*' or '*'.")
        command = option(command)
    return command


def read_grants(*, admin: bool, **roles: tuple[str, ...]) -> dict[str, object]:
    """What the options say, in the form of tokens and keys."""
    given: dict[str, object] = {role: list(feeds) for role, feeds in roles.items() if feeds}
    grants = grants_to_dict(parse_grants(given | ({"admin": True} if admin else {})))
    if not grants:
        raise click.UsageError("Grant something: --read, --contribute, --publish or --edit with a feed, or --admin.")
    return grants


class Duration(click.ParamType[int]):
    """A time such as `90s`, `15m`, `2h` or `30d`, in seconds."""

    name = "duration"
    _SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}  # noqa: RUF012  # a table that nobody changes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"([0-9]{1,6})([smhd])", value)
        if match is None or int(match[1]) == 0:
            self.fail(f"{value!r} is no time: write a number and s, m, h or d, such as 2h", param, ctx)
        return int(match[1]) * self._SECONDS[match[2]]
