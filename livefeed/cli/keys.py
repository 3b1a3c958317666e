"""`livefeed keys`: make, list and revoke the keys of a running server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click
import httpx2

from livefeed.cli.grants import Duration, grant_options, read_grants
from livefeed.client.answers import error_from, json_from
from livefeed.client.credentials import DEFAULT_URL, find_token
from livefeed.exceptions import NotFound, Unavailable

__all__ = ["command"]

url_option = click.option("--url", envvar="LIVEFEED_URL", default=DEFAULT_URL, show_default=True, help="The server.")


def _request(method: str, url: str, path: str, json: object = None) -> httpx2.Response:
    token = find_token(url)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx2.request(method, url.rstrip("/") + path, json=json, headers=headers, timeout=10)
    except httpx2.TransportError as error:
        raise Unavailable(f"{url} does not answer: {error}") from None
    if not answer.is_success:
        raise error_from(answer)
    return answer


@click.group("keys")
def command() -> None:
    """Create, list and revoke API keys, with the admin key.

    It is taken from LIVEFEED_TOKEN, or on the server's machine from its data folder.
    """


@command.command("make")
@click.argument("name")
@grant_options
@click.option("--for", "lifetime", type=Duration(), help="Expires after this time, such as 30d.  [default: never]")
@url_option
def make(name: str, lifetime: int | None, url: str, admin: bool, **roles: tuple[str, ...]) -> None:
    """Create a key called NAME and print it. It cannot be shown again."""
    expires = None if lifetime is None else (datetime.now(UTC) + timedelta(seconds=lifetime)).isoformat()
    asked = {"name": name, "grants": read_grants(admin=admin, **roles), "expires": expires}
    made = json_from(_request("POST", url, "/v1/keys", asked))
    click.echo(made["key"])
    # The key alone on stdout, so that `> key.txt` holds nothing else.
    click.echo(f"Key {made['id']} ({made['name']}): it is not shown again.", err=True)


@command.command("list")
@url_option
def list_keys(url: str) -> None:
    """List the keys: their names and grants, never the keys."""
    for key in _listed(url):
        until = f"until {key['expires']}" if key["expires"] else ""
        grants = " ".join(f"{role}={_shown(feeds)}" for role, feeds in key["grants"].items())
        click.echo(f"{key['id']}  {key['made']}  {key['name']}  {grants}  {until}".rstrip())


def _shown(feeds: object) -> str:
    return ",".join(feeds) if isinstance(feeds, list) else "yes"


def _listed(url: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json_from(_request("GET", url, "/v1/keys"))["keys"]
    return listed


@command.command("revoke")
@click.argument("key")
@url_option
def revoke(key: str, url: str) -> None:
    """Revoke KEY, given by its id or name. A token is revoked by its id in the audit trail."""
    if not key.startswith("jwt:"):
        found = [entry["id"] for entry in _listed(url) if key in {entry["id"], entry["name"]}]
        if not found:
            raise NotFound(f"there is no key called {key!r}")
        if len(found) > 1:
            raise click.UsageError(f"{len(found)} keys are called {key!r}: name one by its id: {', '.join(found)}")
        key = found[0]
    _request("DELETE", url, f"/v1/keys/{key}")
    click.echo(f"{key} is revoked: what it opened ends within seconds.")
