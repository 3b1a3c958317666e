"""What the shipped files set is there to be set."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from livefeed.config import CLIENT_SETTINGS, PREFIX, Config

ROOT = Path(__file__).parent.parent.parent
KNOWN = {PREFIX + name.upper() for name in Config.__struct_fields__} | set(CLIENT_SETTINGS)


@pytest.mark.parametrize(
    "path",
    [*sorted((ROOT / "deploy").iterdir()), *sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"],
    ids=lambda path: path.name,
)
def test_settings_are_known(path: Path) -> None:
    named = set(re.findall(r"\bLIVEFEED_[A-Z_]+\b", path.read_text(encoding="utf-8")))
    # Those of the tests are read by nobody else.
    named = {name for name in named if not name.startswith("LIVEFEED_TEST_")}
    assert named <= KNOWN, sorted(named - KNOWN)
