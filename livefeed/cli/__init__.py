"""The command line. Each command is a module of its own, imported when it is asked for: `tail` does not wait for the server."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from livefeed.exceptions import LivefeedError
from livefeed.version import __version__

__all__ = ["main"]

_COMMANDS = {
    "cancel": "lifecycle:cancel",
    "check": "check:command",
    "demo": "demo:command",
    "hold": "lifecycle:hold",
    "keys": "keys:command",
    "produce": "produce:command",
    "publish": "publish:command",
    "publish-draft": "lifecycle:publish_draft",
    "release": "lifecycle:release",
    "serve": "serve:command",
    "tail": "tail:command",
    "token": "token:command",
    "update": "lifecycle:update",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"livefeed.cli.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Shows expected errors as one sentence, without a traceback."""
        try:
            return super().invoke(ctx)
        except LivefeedError as exc:
            raise click.ClickException(str(exc)) from exc


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
def main() -> None:
    """Live feeds from Redis Streams to SSE, WebSocket and long-poll readers."""
