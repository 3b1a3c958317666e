"""Events with text like that of news, and their bytes as a reader unpacks them."""

from __future__ import annotations

import zlib
from random import Random

import orjson

from livefeed.compression import GZIP_HEADER
from livefeed.cursors import Cursor
from livefeed.events import Event, EventType

WORDS = [
    "minister",
    "council",
    "report",
    "budget",
    "election",
    "storm",
    "harbour",
    "rescue",
    "court",
    "appeal",
    "strike",
    "union",
    "vaccine",
    "hospital",
    "trade",
    "border",
    "treaty",
    "summit",
    "protest",
    "market",
    "shares",
    "inflation",
    "record",
    "goal",
]


def item(seed: int) -> bytes:
    """JSON that looks like news, and is the same each time."""
    random = Random(seed)
    words = random.choices(WORDS, k=60)
    return orjson.dumps(
        {
            "id": f"{random.getrandbits(64):016x}",
            "uri": f"urn:livefeed:item:{random.getrandbits(64):016x}",
            "version": 1,
            "pubStatus": "usable",
            "headline": " ".join(words[:9]),
            "bodyText": " ".join(words[9:]),
            "urgency": 5,
            "contentCreated": "2026-11-23T12:00:00.000Z",
            "versionCreated": "2026-11-23T12:00:00.123Z",
            "infoSources": [{"name": "Harbour Press"}],
            "tags": words[:3],
        }
    )


def event(seq: int, kind: EventType = EventType.PUBLISHED, data: bytes | None = None, tag: str = "") -> Event:
    tags = frozenset({tag} if tag else ())
    data = item(seq) if data is None else data
    return Event(cursor=Cursor(1_000 + seq, seq), feed="world", type=kind, data=data, item_id=f"i{seq}", tags=tags)


def gunzip(*blocks: bytes) -> bytes:
    return zlib.decompressobj(31).decompress(GZIP_HEADER + b"".join(blocks))
