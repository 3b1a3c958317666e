"""The cache: bounded, and empty of a feed that was told to be dropped."""

from __future__ import annotations

from livefeed.api.formats.cache import OVERHEAD, Cache, Document, Key
from livefeed.cursors import Cursor

BASE = "https://feeds.example"
ONE = OVERHEAD + len(BASE) + 10


def key(feed: str, name: str = "feed.atom") -> Key:
    return Key(feed, name, None, BASE)


def document(size: int = 10, *, head: int = 1, revision: int = 1, expires: int | None = None) -> Document:
    return Document(b"x" * size, '"e"', Cursor(1, head), revision, expires, None)


def test_holds_what_was_asked_for_last() -> None:
    cache = Cache(3 * ONE)
    for feed in ("a", "b", "c"):
        cache.put(key(feed), document())
    assert cache.get(key("a")) is not None
    cache.put(key("d"), document())

    assert [feed for feed in "abcd" if cache.get(key(feed))] == ["a", "c", "d"]


def test_replaced_document_no_longer_counts() -> None:
    cache = Cache(2 * ONE + 10)
    for _ in range(10):
        cache.put(key("a"), document(20))
    cache.put(key("b"), document(10))

    assert len(cache) == 2


def test_document_above_the_bound_is_not_kept() -> None:
    cache = Cache(ONE)
    cache.put(key("a"), document(11))

    assert len(cache) == 0


def test_drop_forgets_every_document_of_one_feed() -> None:
    cache = Cache(10 * ONE)
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


def test_what_it_is_asked_by_counts() -> None:
    """Anybody can ask for an empty page under a host name of 30 KiB, and under another one the next time."""
    cache = Cache(100_000)
    for number in range(100):
        cache.put(Key("a", "feed.ninjs", "!", f"http://{number}.{'x' * 30_000}"), document(2))

    assert len(cache) == 3
    for number in range(1000):
        cache.put(Key("a", "feed.ninjs", str(number), ""), document(2))

    assert len(cache) < 100
