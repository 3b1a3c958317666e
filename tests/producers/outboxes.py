"""What waits in an outbox's file, read by a second pair of eyes."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import orjson

from livefeed import Item, Outbox

__all__ = ["Waiting", "waiting"]


class Waiting(NamedTuple):
    op: str
    feed: str
    item: Item


def waiting(outbox: Outbox) -> list[Waiting]:
    db = sqlite3.connect(outbox.path)
    try:
        rows = db.execute("SELECT op, feed, item FROM entries ORDER BY number").fetchall()
    finally:
        db.close()
    return [Waiting(op, feed, orjson.loads(item)) for op, feed, item in rows]
