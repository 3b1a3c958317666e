"""The cache: bounded, and empty of a feed that was told to be dropped."""

from __future__ import annotations

from livefeed.api.formats.cache import Cache, Document, Key
from livefeed.cursors import Cursor


def key(feed: str, name: str = "feed.atom") -> Key:
    return Key(feed, name, None, "https://feeds.example")


def document(size: int = 10, *, head: int = 1, revision: int = 1, expires: int | None = None) -> Document:
    return Document(b"x" * size, '"e"', Cursor(1, head), revision, expires, None)


def test_holds_what_was_asked_for_last() -> None:
    cache = Cache(30)
    for feed in ("a", "b", "c"):
        cache.put(key(feed), document())
    assert cache.get(key("a")) is not None
    cache.put(key("d"), document())

    assert [feed for feed in "abcd" if cache.get(key(feed))] == ["a", "c", "d"]


def test_replaced_document_no_longer_counts() -> None:
    cache = Cache(30)
    for _ in range(10):
        cache.put(key("a"), document(20))
    cache.put(key("b"), document(10))

    assert len(cache) == 2


def test_document_above_the_bound_is_not_kept() -> None:
    cache = Cache(30)
    cache.put(key("a"), document(31))

    assert len(cache) == 0


def test_drop_forgets_every_document_of_one_feed() -> None:
    cache = Cache(100)
    cache.put(key("a"), document())
    cache.put(key("a", "feed.rss"), document())
    cache.put(key("b"), document())
    cache.drop("a")

    assert len(cache) == 1
    assert cache.get(key("b")) is not None


def test_document_is_current_for_exactly_one_version_until_it_expires() -> None:
    kept = document(head=5, revision=2, expires=1000)

    assert kept.is_current(Cursor(1, 5), 2, 999)
    assert not kept.is_current(Cursor(1, 6), 2, 999)
    assert not kept.is_current(Cursor(1, 4), 2, 999)
    assert not kept.is_current(Cursor(1, 5), 3, 999)
    assert not kept.is_current(Cursor(1, 5), 2, 1000)
