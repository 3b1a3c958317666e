"""Changing items, alone and at once: each edit is in the item's versions, or its author is told that it was not made."""

from __future__ import annotations

import asyncio
import random

import pytest

from livefeed.cursors import Cursor
from livefeed.events import EventType
from livefeed.exceptions import NotFound, StaleVersion
from livefeed.items import Item
from livefeed.log.editor import Editor
from tests.log.editing import FEED, events, publish, told


async def test_patching(editor: Editor) -> None:
    item = await publish(editor)
    done = await editor.patch(FEED, item.id, {"headline": "Gale", "correction": "It was a gale."}, expects=1)
    assert isinstance(done.item, Item)
    assert (done.item.version, done.item.headline) == (2, "Gale")
    same = await editor.patch(FEED, item.id, {"headline": "Gale"}, expects=2)
    assert (same.event, same.item) == (done.event, done.item)
    with pytest.raises(StaleVersion, match="at version 2, not 1"):
        await editor.patch(FEED, item.id, {"headline": "x"}, expects=1)
    assert await told(editor) == [EventType.PUBLISHED, EventType.CORRECTED]
    assert [b"Storm" in version for version in await editor.items.history(FEED, item.id)] == [True]


async def test_an_unknown_item(editor: Editor) -> None:
    with pytest.raises(NotFound, match="no item 'x'"):
        await editor.patch(FEED, "x", {})


async def test_two_editors_never_lose_an_edit_unseen(editor: Editor) -> None:
    """500 random edits on 50 items: each is in the item's versions, or its author was told that it was not made."""
    items = [await publish(editor) for _ in range(50)]
    chance = random.Random(20261123)
    made: dict[str, list[str]] = {item.id: [] for item in items}
    refused = 0

    async def edits(name: str) -> None:
        nonlocal refused
        for number in range(250):
            item = chance.choice(items)
            version = (await editor.current(FEED, item.id)).version if chance.random() < 0.7 else None
            words = f"{name} {number}"
            try:
                await editor.patch(FEED, item.id, {"headline": words}, expects=version)
            except StaleVersion:
                refused += 1
            else:
                made[item.id].append(words)

    await asyncio.gather(edits("one"), edits("two"))
    assert refused + sum(map(len, made.values())) == 500
    for item in items:
        versions = await editor.items.history(FEED, item.id)
        current = await editor.current(FEED, item.id)
        kept = b"".join(versions) + (current.item.headline.encode() if current.item else b"")
        assert current.version == 1 + len(made[item.id])
        assert all(words.encode() in kept for words in made[item.id])


async def test_edits_of_one_item_at_the_same_time_all_arrive(editor: Editor) -> None:
    item = await publish(editor)
    patches = [{"summary": "s"}, {"urgency": 1}, {"pinned": True}, {"tags": ["x"]}, {"located": "Rome"}]
    done = await asyncio.gather(*(editor.patch(FEED, item.id, patch) for patch in patches))
    cursors = {d.event for d in done}
    assert len(cursors) == 5
    current = (await editor.current(FEED, item.id)).item
    assert current is not None
    assert (current.summary, current.urgency, current.pinned, current.tags, current.located) == ("s", 1, True, ("x",), "Rome")
    assert max(c for c in cursors if isinstance(c, Cursor)) == (await events(editor))[-1].cursor
