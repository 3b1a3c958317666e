"""`livefeed token`: make a token, or show what one says."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from livefeed.auth.secretfile import check_secret
from livefeed.cli.grants import Duration, grant_options, read_grants
from livefeed.client.credentials import data_dir
from livefeed.exceptions import ConfigError

__all__ = ["command"]


@click.group("token")
def command() -> None:
    """Make tokens (JWT), and show what they say."""


def _private_key(path: Path) -> tuple[Any, str]:
    """The key in a PEM file, and the algorithm that it is for."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError):
        raise ConfigError(f"{path} is not a private key in PEM form without a passphrase") from None
    if isinstance(key, RSAPrivateKey):
        return key, "RS256"
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key, "ES256"
    if isinstance(key, Ed25519PrivateKey):
        return key, "EdDSA"
    raise ConfigError(f"{path} has a key of another kind than RSA, P-256 or Ed25519")


def _secret() -> str:
    # No option: what is on a command line stands in the list of processes.
    if secret := os.environ.get("LIVEFEED_TOKEN_SECRET"):
        return check_secret(secret, "LIVEFEED_TOKEN_SECRET")
    path = data_dir() / "token.secret"
    try:
        return check_secret(path.read_text(encoding="ascii").strip(), str(path))
    except OSError as error:
        hint = "set LIVEFEED_TOKEN_SECRET, or give --key"
        raise ConfigError(f"the secret that tokens are signed with cannot be read: {path}: {error.strerror}; {hint}") from None


@command.command("make")
@click.argument("subject")
@grant_options
@click.option("--for", "lifetime", type=Duration(), default="1h", show_default=True, help="Expires after this time.")
@click.option("--audience", default="livefeed", show_default=True)
@click.option("--issuer", help="The iss, where the server wants one.")
@click.option("--key", "key_file", type=click.Path(path_type=Path, dir_okay=False), help="A private key (PEM) to sign with.")
@click.option("--kid", help="The id of that key in the server's JWKS.")
def make(
    subject: str,
    lifetime: int,
    audience: str,
    issuer: str | None,
    key_file: Path | None,
    kid: str | None,
    admin: bool,
    **roles: tuple[str, ...],
) -> None:
    """Make a token for SUBJECT and print it.

    It is signed with LIVEFEED_TOKEN_SECRET, with the secret in the server's data folder, or with --key.
    """
    now = int(time.time())
    claims = {"sub": subject, "aud": audience, "iat": now, "exp": now + lifetime, "livefeed": read_grants(admin=admin, **roles)}
    key, algorithm = _private_key(key_file) if key_file else (_secret(), "HS256")
    token = jwt.encode(claims | ({"iss": issuer} if issuer else {}), key, algorithm, headers={"kid": kid} if kid else None)
    click.echo(token)


@command.command("show")
@click.argument("token", required=False)
def show(token: str | None) -> None:
    """Show what TOKEN says, without checking who signed it. Without TOKEN it is read from standard input."""
    text = (token or sys.stdin.read()).strip()
    try:
        whole = jwt.decode_complete(text, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError):
        raise click.UsageError("This is not a JWT.") from None
    click.echo(json.dumps({"header": whole["header"], "claims": whole["payload"]}, indent=2, ensure_ascii=False))
    expires = whole["payload"].get("exp")
    if isinstance(expires, int | float):
        word = "Expired" if expires <= time.time() else "Expires"
        click.echo(f"{word} {datetime.fromtimestamp(expires, UTC):%Y-%m-%d %H:%M:%S} UTC. Not checked: who signed it.", err=True)
