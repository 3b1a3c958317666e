"""The catalogues, and which of them a page speaks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from livefeed.api import pages
from livefeed.api.pages.words import LANGUAGES, Words, choose_language

PAGES = Path(pages.__file__).parent
USED = re.compile(r"""(?:words(?:\.count)?|text|count)\(\s*["']([a-z]+(?:\.[a-zA-Z]+)+)["']""")
PLACES = re.compile(r"{\w+}")


def test_english_stands_in() -> None:
    assert LANGUAGES[0] == "en"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_catalogue_has_the_same_texts_with_the_same_places(language: str) -> None:
    english, other = Words.of("en").texts, Words.of(language).texts
    assert list(other) == list(english)
    for key, text in english.items():
        if isinstance(text, str):
            assert sorted(PLACES.findall(other[key])) == sorted(PLACES.findall(text)), key
        else:
            assert len(other[key]) == len(text), key


def test_every_text_that_is_used_is_in_the_catalogue() -> None:
    texts = Words.of("en").texts
    sources = [*PAGES.rglob("*.html"), *PAGES.rglob("*.js"), *PAGES.rglob("*.py")]
    used = {key for path in sources for key in USED.findall(path.read_text(encoding="utf-8"))}
    assert {key for key in used if key not in texts and f"{key}.one" not in texts} == set()


def test_places_are_filled_and_nothing_else() -> None:
    assert Words.of("en")("item.by", name="{name.__class__} & co") == "By {name.__class__} & co"


@pytest.mark.parametrize(("n", "text"), [(0, "0 readers now"), (1, "1 reader now"), (2, "2 readers now")])
def test_counts(n: int, text: str) -> None:
    assert Words.of("en").count("feed.readers", n) == text


def test_times_are_told_in_utc_with_the_zone() -> None:
    english, german = Words.of("en"), Words.of("de")
    assert english.clock("2026-11-23T14:05:59.999Z") == "14:05 UTC"
    assert english.stamp("2026-03-01T09:05:00.000Z") == "1 March 2026, 09:05 UTC"
    assert english.day("2026-11-23T00:00:00.000Z") == "Monday, 23 November 2026"
    assert german.day("2026-03-01T00:00:00.000Z") == "Sonntag, 1. März 2026"


@pytest.mark.parametrize(
    ("asked", "accepted", "feed", "language"),
    [
        ("", "", "", "en"),
        ("de", "en", "en", "de"),
        ("", "en", "de-AT", "de"),
        ("", "fr, de;q=0.8, en;q=0.9", "", "en"),
        ("", "fr, de-CH;q=0.8", "ur", "de"),
        ("", "de;q=0", "", "en"),
        ("xx", "de;q=x", "", "en"),
        ("../de", ",;q=", "", "en"),
    ],
)
def test_language_is_the_one_asked_for_else_the_feeds_else_the_readers(
    asked: str, accepted: str, feed: str, language: str
) -> None:
    assert choose_language(asked, accepted, feed) == language
