"""Real items, read by the producers: how large news is, and how well it compresses."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from livefeed import Item
from producers.entries import item
from producers.recordings import read_recording
from producers.syndication import read

__all__ = ["MOST", "demo_items", "real_items"]

MOST = 1_000

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
"""Documents that belong to their outlets: they are measured with where they are, and no part of the project."""


def real_items() -> list[str] | None:
    """1,000 different items as JSON: all entries of the documents, earthquakes and edits; None where there are not as many."""
    found: dict[str, Any] = {}
    for given in _found() if DATA.is_dir() else ():
        found.setdefault(given["uri"], given)
    return [json.dumps(given) for given in list(found.values())[:MOST]] if len(found) >= MOST else None


def _found() -> Iterator[Item]:
    for path in sorted([*DATA.glob("rss_*.xml"), *DATA.glob("jsonfeed_*.json")]):
        url = f"http://{path.stem}.example/"
        channel = read(path.read_bytes(), url=url, content_type="")
        yield from (item(entry, channel, url) for entry in channel.entries)
    # The wiki's edits are short and many: they fill up what the others leave.
    for name in ("usgs_*.geojson", "wikinews_*.jsonl", "wikipedia_*.jsonl"):
        for path in sorted(DATA.glob(name)):
            yield from (line.item for line in read_recording(path))


def demo_items(count: int) -> list[str]:
    """*count* items of the demo, each told apart by its number."""
    lines = (ROOT / "livefeed" / "sample.jsonl").read_text().splitlines()
    given = (json.loads(line) for line in itertools.islice(itertools.cycle(lines), count))
    return [
        json.dumps({"headline": f"{one.get('headline', '')[:250]} #{n}", "bodyText": one.get("bodyText", "")})
        for n, one in enumerate(given)
    ]
