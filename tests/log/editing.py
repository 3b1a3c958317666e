"""An editor's hand: what the tests of items ask of it, and what they look at afterwards."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from livefeed.cursors import BIRTH
from livefeed.events import Event, EventType, rfc3339
from livefeed.holes import Page
from livefeed.items import Item, ItemInput, parse_item
from livefeed.log.editor import Editor
from tests.log.appending import FEED

__all__ = ["FEED", "events", "everything", "given", "later", "now", "publish", "told"]


def given(**fields: Any) -> ItemInput:
    return parse_item({"headline": "Storm", **fields}, now=4_000_000_000_000)


async def publish(editor: Editor, **fields: Any) -> Item:
    done = await editor.publish(FEED, given(**fields))
    assert done.created
    assert isinstance(done.item, Item)
    return done.item


async def events(editor: Editor) -> list[Event]:
    page = await editor.log.read(FEED, BIRTH, 1_000)
    assert isinstance(page, Page)
    return [*page.events]


async def told(editor: Editor) -> list[EventType]:
    return [event.type for event in await events(editor)]


async def everything(redis: Redis) -> bytes:
    """All that Redis holds of any kind, for searching."""
    found = [await redis.dump(key) or b"" for key in await redis.keys()]
    plain = [repr(await redis.xrange(key)).encode() for key in await redis.keys("*:log")]
    return b"".join(found + plain)


async def now(editor: Editor) -> int:
    """By the clock that decides."""
    return (await editor.due_list.peek(FEED, 0)).now


async def later(editor: Editor, ms: int) -> str:
    return rfc3339(await now(editor) + ms)
