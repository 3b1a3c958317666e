"""Default credentials."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from livefeed.exceptions import ConfigError
from livefeed.hosts import is_loopback

__all__ = ["DEFAULT_URL", "data_dir", "find_token", "is_on_this_machine"]

DEFAULT_URL = "http://127.0.0.1:8000"


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The data folder of a server on this machine, and of producers."""
    return Path(environ.get("LIVEFEED_DATA_DIR") or platformdirs.user_data_path("livefeed"))


def find_token(url: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The token for the server at *url*: `LIVEFEED_TOKEN`, or for a server on this machine its admin key.

    The admin key, from the environment or the data folder, is never sent to another machine.
    """
    if token := environ.get("LIVEFEED_TOKEN"):
        return token
    if not is_on_this_machine(url):
        return None
    if key := environ.get("LIVEFEED_ADMIN_KEY"):
        return key
    path = data_dir(environ) / "admin.key"
    try:
        return path.read_text(encoding="ascii").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the admin key in {path} cannot be read: {error}; set LIVEFEED_TOKEN instead") from error


def is_on_this_machine(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")
