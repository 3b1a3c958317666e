"""Secrets that the server generates at its first start and stores in a file that only its user can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from livefeed.exceptions import ConfigError

__all__ = ["SHORTEST", "check_secret", "is_guessable", "keep_secret"]

SHORTEST = 32
"""Bytes: what HS256 asks of its key (RFC 7518, 3.2), and more than anybody guesses."""


def check_secret(secret: str, name: str) -> str:
    """Return *secret*, or raise `ConfigError` when it is too short or cannot go into an Authorization header."""
    if len(secret.encode()) < SHORTEST:
        raise ConfigError(f"{name} is too short: use {SHORTEST} characters or more, such as 'openssl rand -base64 32' prints")
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise ConfigError(f"{name} has a character that no Authorization header carries: use printable ASCII without spaces")
    return secret


def is_guessable(secret: str) -> bool:
    """Whether *secret* is a repetition, such as the `aaaa…` of a test setup."""
    return len(set(secret)) < 8


def keep_secret(path: Path) -> tuple[str, bool]:
    """The secret in the file at *path*, and whether this call made it; workers that start together agree on one."""
    made = False
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = _create(path, secrets.token_urlsafe(32))
    # Permissions are checked on the open file: its name could refer to another file a moment later.
    with path.open(encoding="ascii") as file:
        if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
            raise ConfigError(
                f"{path} can be read by others: run 'chmod 600 {path}', and make a new key if others use this machine"
            )
        secret = file.read(10_000).strip()
    return check_secret(secret, str(path)), made


def _create(path: Path, secret: str) -> bool:
    # A link appears with its complete content, and fails for all but the first of several processes.
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        return True
    finally:
        draft.unlink()
