"""The documentation names every field, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from livefeed.items import FIELDS, SERVER_FIELDS

TEXT = (Path(__file__).parent.parent.parent / "docs" / "items.md").read_text(encoding="utf-8")


def test_the_tables_have_a_row_for_every_field() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    assert rows == [*FIELDS, *SERVER_FIELDS]
