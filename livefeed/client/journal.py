"""The outbox's SQLite file: entries in order, rejected entries, notes. Blocking, for use by one thread."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import orjson

from livefeed.client.types import Item
from livefeed.exceptions import ConfigError

__all__ = ["Entry", "Journal", "Op", "Rejected"]

Op = Literal["publish", "upsert", "hold", "release", "cancel"]
"""The inbox's operations: `upsert` makes a new version of a known uri; the last three need only the uri."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT, feed TEXT NOT NULL, op TEXT NOT NULL, key TEXT NOT NULL, item BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS rejected (
    number INTEGER PRIMARY KEY, feed TEXT NOT NULL, op TEXT NOT NULL, key TEXT NOT NULL, item BLOB NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS notes (
    name TEXT PRIMARY KEY, value TEXT NOT NULL, used TEXT NOT NULL DEFAULT CURRENT_DATE
) STRICT, WITHOUT ROWID;
"""


class Entry(NamedTuple):
    """One operation and its idempotency key."""

    number: int
    feed: str
    op: Op
    key: str
    item: Item


class Rejected(NamedTuple):
    """An entry that the server rejected permanently."""

    number: int
    feed: str
    op: Op
    item: Item
    reason: str


class Journal:
    """To be opened on the thread that uses it. Raises `ConfigError` if another process has opened the file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The entries are unpublished news: readable by the owner only, including the files that SQLite creates beside it.
        self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise ConfigError(f"the outbox {path} is in use by another process: give each producer its own") from None
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = self._open(path)

    def _open(self, path: Path) -> sqlite3.Connection:
        db = sqlite3.connect(path, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            # FULL, since WAL's usual NORMAL may lose the last commits with the machine's power.
            db.execute("PRAGMA synchronous = FULL")
            db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            db.close()
            os.close(self._lock)
            raise ConfigError(f"{path} cannot be used as an outbox: {error}") from error
        return db

    def close(self) -> None:
        self._db.close()
        os.close(self._lock)

    def insert(self, rows: Iterable[tuple[str, Op, str, bytes]], notes: Mapping[str, str]) -> None:
        """Add (feed, op, key, item) entries and notes, all or none."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT INTO entries (feed, op, key, item) VALUES (?, ?, ?, ?)", rows)
            self._db.executemany("REPLACE INTO notes (name, value) VALUES (?, ?)", notes.items())

    def first(self, most: int) -> list[Entry]:
        rows = self._db.execute("SELECT number, feed, op, key, item FROM entries ORDER BY number LIMIT ?", (most,))
        return [Entry(number, feed, op, key, orjson.loads(item)) for number, feed, op, key, item in rows]

    def count(self) -> int:
        count: int = self._db.execute("SELECT count(*) FROM entries").fetchone()[0]
        return count

    def finish(self, done: Iterable[tuple[Entry, str | None]]) -> None:
        """Delete entries that the server has answered; those with a reason are kept as rejected."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for entry, refusal in done:
                if refusal is not None:
                    kept = (refusal, entry.number)
                    self._db.execute("INSERT INTO rejected SELECT *, ? FROM entries WHERE number = ?", kept)
                self._db.execute("DELETE FROM entries WHERE number = ?", (entry.number,))

    def retry(self) -> int:
        """Queue the rejected entries again, at the end. Returns their number."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT INTO entries (feed, op, key, item) SELECT feed, op, key, item FROM rejected ORDER BY number")
            return self._db.execute("DELETE FROM rejected").rowcount

    def rejected(self) -> list[Rejected]:
        rows = self._db.execute("SELECT number, feed, op, item, reason FROM rejected ORDER BY number")
        return [Rejected(number, feed, op, orjson.loads(item), reason) for number, feed, op, item, reason in rows]

    def recall(self, names: Iterable[str]) -> dict[str, str]:
        """The notes of these names that exist."""
        found: dict[str, str] = {}
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for name in names:
                row = self._db.execute("SELECT value, used < CURRENT_DATE FROM notes WHERE name = ?", (name,)).fetchone()
                if row is None:
                    continue
                found[name] = row[0]
                if row[1]:
                    self._db.execute("UPDATE notes SET used = CURRENT_DATE WHERE name = ?", (name,))
        return found

    def forget(self, days: int) -> int:
        """Delete notes that were neither written nor recalled for so many days."""
        return self._db.execute("DELETE FROM notes WHERE used < date('now', ?)", (f"-{days} days",)).rowcount
