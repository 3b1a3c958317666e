"""A feed as lines of text for a terminal: values in, lines out."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, tzinfo

import click

from livefeed.client import FeedEvent, Item

__all__ = ["Screen", "plain"]

_REMEMBERED = 1_000
"""Headlines remembered, to identify items that are withheld or killed, whose events have no text."""

_URGENCIES = {1: "FLASH", 2: "BULLETIN", 3: "URGENT"}
_LABELS = {
    "updated": ("updated", "yellow"),
    "corrected": ("CORRECTED", "yellow"),
    "withheld": ("WITHHELD", "red"),
    "released": ("released", "green"),
    "canceled": ("KILLED", "red"),
    "pinned": ("pinned", "cyan"),
    "unpinned": ("unpinned", "cyan"),
    "flagged": ("flagged", "cyan"),
}


class Screen:
    """Turns events into lines, in the zone of the terminal or in *zone*, with a line for each new day."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone
        self._day = ""
        self._headlines: OrderedDict[str, str] = OrderedDict()

    def lines(self, event: FeedEvent) -> list[str]:
        if event.item is not None:
            return self._item(event.item, event.name)
        if event.name == "snapshot":
            return self._items(event)
        if event.name == "reset":
            return [_rule(_gap(event), "red"), *self._items(event)]
        if event.name == "stale":
            return [_rule("the server cannot read the feed: events may be late", "red")]
        if event.name == "fresh":
            return [_rule("the server can read the feed again", "green")]
        return [_rule(f"the feed is {event.name}", "cyan")]

    def _items(self, event: FeedEvent) -> list[str]:
        # They come newest first; a terminal grows downwards.
        return [line for item in reversed(event.items) for line in self._item(item, "published")]

    def _item(self, item: Item, name: str) -> list[str]:
        lines, clock = self._time(item.get("contentCreated", ""))
        label, colour = _LABELS.get(name, ("", ""))
        words = [click.style(clock, dim=True)]
        if urgent := _URGENCIES.get(item.get("urgency", 5)):
            words.append(click.style(urgent, fg="red", bold=True))
        if label:
            words.append(click.style(label, fg=colour, bold=True))
        words.append(click.style(self._headline(item), bold=item.get("pubStatus") == "usable"))
        if told := item.get("correction") if name == "corrected" else item.get("reason"):
            words.append(f"({plain(told)})")
        words += [click.style(f"#{plain(tag)}", fg="blue") for tag in item.get("tags", [])]
        return [*lines, "  ".join(words)]

    def _headline(self, item: Item) -> str:
        headline = item.get("headline") or item.get("summary") or item.get("bodyText") or ""
        if headline:
            # Of a body the beginning will do.
            headline = plain(headline)[:200]
            self._headlines[item["id"]] = headline
            self._headlines.move_to_end(item["id"])
            if len(self._headlines) > _REMEMBERED:
                self._headlines.popitem(last=False)
        return headline or self._headlines.get(item.get("id", "")) or plain(item.get("link") or item.get("uri", ""))

    def _time(self, text: str) -> tuple[list[str], str]:
        """The time of day, and a line before it if the day is another than the last one shown."""
        try:
            time = datetime.fromisoformat(text).astimezone(self._zone)
        except ValueError:
            return [], "--:--:--"
        day = f"{time:%A %d %B %Y} ({time:%Z})"
        new = [] if day == self._day else [_rule(day, "")]
        self._day = day
        return new, f"{time:%H:%M:%S}"


def _gap(event: FeedEvent) -> str:
    missed = event.data.get("missed")
    count = f"{missed['last'] - missed['first'] + 1:,} events were" if isinstance(missed, dict) else "events were"
    return f"{count} missed ({event.data.get('reason')}); the newest items are"


def _rule(text: str, colour: str) -> str:
    return click.style(f"--- {plain(text)} ---", fg=colour or None, dim=not colour)


def plain(text: str) -> str:
    """*text* without terminal control characters."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())
