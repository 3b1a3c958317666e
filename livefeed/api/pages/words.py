"""Words: the texts of the pages, one catalogue per language, used by the templates and by the browser."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["LANGUAGES", "Words", "choose_language", "is_rtl"]

_RTL = frozenset({"ar", "ckb", "dv", "fa", "he", "ku-arab", "ps", "sd", "ug", "ur", "yi"})

_FOLDER = Path(__file__).parent / "static" / "words"
LANGUAGES = tuple(sorted((path.stem for path in _FOLDER.glob("*.json")), key=lambda name: (name != "en", name)))
"""English first: it is the fallback."""


class Words:
    """One language's texts. Called with a key, and with the values for the text's `{placeholders}`."""

    def __init__(self, language: str, texts: Mapping[str, Any]) -> None:
        self.language = language
        self.texts = texts

    @classmethod
    @cache
    def of(cls, language: str) -> Words:
        return cls(language, msgspec.json.decode((_FOLDER / f"{language}.json").read_bytes()))

    def __repr__(self) -> str:
        return f"<Words {self.language}>"

    def __call__(self, key: str, **places: object) -> str:
        text: str = self.texts[key]
        # Not `str.format`: a value may contain braces, and a text must not be able to access attributes of a value.
        for name, value in places.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    def count(self, key: str, n: int) -> str:
        """English and German both have the plural forms "one" and "other"."""
        return self(f"{key}.one" if n == 1 else f"{key}.other", n=n)

    def day(self, time: str) -> str:
        moment = _utc(time)
        weekday = self.texts["date.weekdays"][moment.weekday()]
        return self("date.day", weekday=weekday, day=moment.day, month=self._month(moment), year=moment.year)

    def clock(self, time: str) -> str:
        """The time of day with its zone; the browser converts it to the reader's."""
        return f"{_utc(time):%H:%M} UTC"

    def moment(self, time: str, now: int) -> str:
        """The time of day, with the date if it differs from that of *now* (ms)."""
        today = _utc(time).date() == datetime.fromtimestamp(now / 1000, UTC).date()
        return self.clock(time) if today else self.stamp(time)

    def stamp(self, time: str) -> str:
        moment = _utc(time)
        return self("date.stamp", day=moment.day, month=self._month(moment), year=moment.year, time=self.clock(time))

    def _month(self, moment: datetime) -> str:
        name: str = self.texts["date.months"][moment.month - 1]
        return name


def _utc(time: str) -> datetime:
    return datetime.fromisoformat(time).astimezone(UTC)


def choose_language(asked: str, accepted: str, feed: str) -> str:
    """The language of a page: that of `?lang=`, else the feed's, else the reader's first preference that is available."""
    for tag in [asked, feed, *_preferred(accepted)]:
        language = tag.partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]


def is_rtl(language: str) -> bool:
    """Whether a language (BCP 47) is written from right to left."""
    tag = language.lower()
    return tag in _RTL or tag.partition("-")[0] in _RTL


def _preferred(accepted: str) -> list[str]:
    """The tags of an Accept-Language header (RFC 9110, 12.5.4), best first. Tags with an invalid weight are ignored."""
    ranked = []
    for part in accepted.split(",")[:20]:
        tag, _, quality = part.partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        ranked.append((weight, tag.strip()))
    return [tag for weight, tag in sorted(ranked, key=lambda pair: -pair[0]) if weight > 0]
