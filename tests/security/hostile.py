"""Items that try to be something else on the way to a reader."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import quote

__all__ = ["hostile_item", "hostile_text"]

_BREAKS = ["\n", "\r", "\r\n", "\n\n", "\r\r", "\x00", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\ufeff"]
_BREAKS += ["\\n", "\\u000a", "%0a"]
_LINES = ["data: {}", "data:", "id: 1-1", "id:", "event: reset", "event: goodbye", "retry: 1", ": comment", "data"]
_JSON = ['"', '\\"', "\\", '"}', '","data":{', "]]>", "</script>", "{{7*7}}", "\u202e", "e\u0301", "\U0001f4f0", "\x7f", "\ud7ff"]


def hostile_text(chance: random.Random, longest: int = 12) -> str:
    """A text of line ends, stream fields, quotes and whatever Unicode has."""
    parts = []
    for _ in range(chance.randint(1, longest)):
        kind = chance.random()
        if kind < 0.35:
            parts.append(chance.choice(_BREAKS))
        elif kind < 0.6:
            parts.append(chance.choice(_LINES))
        elif kind < 0.8:
            parts.append(chance.choice(_JSON))
        else:
            point = chance.randrange(0x11_0000)
            parts.append(chr(point) if not 0xD800 <= point < 0xE000 else "x")
    return "".join(parts)


def hostile_item(chance: random.Random) -> dict[str, Any]:
    """What a producer might send, with hostile texts wherever a text goes."""
    texts = ["by", "located", "slugline", "summary", "correction", "edNote", "bodyText", "bodyHtml"]
    item: dict[str, Any] = {"headline": hostile_text(chance)}
    for name in chance.sample(texts, chance.randint(0, 5)):
        item[name] = hostile_text(chance)
    if chance.random() < 0.1:
        item[chance.choice(["language", "uri", "link"])] = hostile_text(chance)
    if chance.random() < 0.5:
        item["tags"] = [hostile_text(chance, 4) for _ in range(chance.randint(1, 3))]
    if chance.random() < 0.3:
        item["authors"] = [{"name": hostile_text(chance), "uri": "https://a.example/?" + quote(hostile_text(chance, 3))}]
    if chance.random() < 0.3:
        item["subjects"] = [{"name": hostile_text(chance), "uri": "urn:a:" + quote(hostile_text(chance, 3))}]
    return item
