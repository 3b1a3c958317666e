"""Programs of the system that some tests need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def program(name: str, package: str) -> Path:
    """Where *name* is. Without it the test is skipped with the reason; with `CI=true` that is an error."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is not None:
        return Path(found)
    reason = f"{name} is not installed: apt-get install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
