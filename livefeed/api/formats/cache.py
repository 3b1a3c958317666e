"""A cache of rendered documents, valid until their feed changes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from livefeed.cursors import Cursor

__all__ = ["OVERHEAD", "Cache", "Document", "Key"]


OVERHEAD = 1024
"""Overhead of an entry in bytes."""


class Key(NamedTuple):
    """The key of a document. It includes *base*, because the document's links begin with it."""

    feed: str
    name: str
    before: str | None
    base: str


@dataclass(frozen=True, slots=True)
class Document:
    """A rendered document, valid for one *head* and *revision* of the feed, and until one of its items expires (ms)."""

    body: bytes
    etag: str
    head: Cursor
    revision: int
    expires: int | None
    next: str | None

    def is_current(self, head: Cursor, revision: int, now: int) -> bool:
        # Equal, not "at least": after a failover to an older replica, newer documents belong to a lost history.
        return (self.head, self.revision) == (head, revision) and (self.expires is None or now < self.expires)


class Cache:
    """The most recently used documents, up to *limit* bytes in total.

    Keys count as well: anyone can request empty pages with many long host names.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._documents: OrderedDict[Key, Document] = OrderedDict()

    def __len__(self) -> int:
        return len(self._documents)

    def get(self, key: Key) -> Document | None:
        document = self._documents.get(key)
        if document is not None:
            self._documents.move_to_end(key)
        return document

    def put(self, key: Key, document: Document) -> None:
        self._forget(key)
        self._documents[key] = document
        self._size += _weight(key, document)
        while self._size > self._limit:
            self._forget(next(iter(self._documents)))

    def drop(self, feed: str) -> None:
        """Drop all documents of *feed*, because an item in them was killed."""
        for key in [key for key in self._documents if key.feed == feed]:
            self._forget(key)

    def _forget(self, key: Key) -> None:
        document = self._documents.pop(key, None)
        if document is not None:
            self._size -= _weight(key, document)


def _weight(key: Key, document: Document) -> int:
    return len(document.body) + len(key.base) + len(key.before or "") + OVERHEAD
