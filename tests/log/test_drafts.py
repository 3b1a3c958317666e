"""Drafts and embargoed items: before an item is out, nothing of it is in the log."""

from __future__ import annotations

import asyncio

import pytest

from livefeed.events import EventType, rfc3339
from livefeed.exceptions import Forbidden
from livefeed.items import Item
from livefeed.log.editor import Done, Editor
from tests.log.editing import FEED, events, given, later, now, publish, told
from tests.waiting import until


async def test_a_draft_is_not_in_the_log(editor: Editor) -> None:
    done = await editor.publish(FEED, given(draft=True, uri="urn:example:1"))
    assert isinstance(done.item, Item)
    assert done.event is None
    assert done.item.draft
    changed = await editor.patch(FEED, done.item.id, {"headline": "Better"}, drafts_only=True)
    assert changed.event is None
    assert await told(editor) == []
    assert (await editor.items.newest(FEED, 10)).rows == ()
    assert [row.state for row in (await editor.items.newest(FEED, 10, desk=True)).rows] == ["draft"]
    out = await editor.publish_draft(FEED, done.item.id, expects=2)
    assert isinstance(out.item, Item)
    assert (out.item.version, out.item.headline, out.item.draft) == (3, "Better", False)
    assert out.item.content_created == out.item.version_created
    assert (await editor.publish_draft(FEED, done.item.id)).event == out.event
    assert await told(editor) == [EventType.PUBLISHED]
    with pytest.raises(Forbidden, match="only change drafts"):
        await editor.patch(FEED, done.item.id, {"headline": "x"}, drafts_only=True)


async def test_who_repeats_a_draft_is_told_when_it_is_out(editor: Editor) -> None:
    first = await editor.publish(FEED, given(draft=True), key="k")
    assert (await editor.publish(FEED, given(draft=True), key="k")).event is None
    assert first.item is not None
    out = await editor.publish_draft(FEED, first.item.id)
    again = await editor.publish(FEED, given(draft=True), key="k")
    assert (again.event, again.item) == (out.event, out.item)


async def test_an_embargo_keeps_an_item_out_until_its_time(editor: Editor) -> None:
    item = await publish(editor, embargoedUntil=await later(editor, 60_000))
    assert await told(editor) == []
    assert (await editor.items.newest(FEED, 10)).rows == ()
    assert (await editor.publish_due(FEED, item.id, await now(editor))).event is None
    assert (await editor.publish_draft(FEED, item.id)).event is None
    put_off = await editor.patch(FEED, item.id, {"embargoedUntil": await later(editor, 90_000)})
    assert put_off.event is None
    lifted = await editor.patch(FEED, item.id, {"embargoedUntil": None})
    assert lifted.event is not None
    assert await told(editor) == [EventType.PUBLISHED]
    assert await editor.due_list.next_times([FEED]) == {}


async def test_a_scheduled_item_can_go_back_to_draft_and_a_draft_into_the_list(editor: Editor) -> None:
    item = await publish(editor, embargoedUntil=await later(editor, 60_000))
    await editor.patch(FEED, item.id, {"draft": True})
    assert (await editor.current(FEED, item.id)).state == "draft"
    assert await editor.due_list.next_times([FEED]) == {}
    assert (await editor.publish_draft(FEED, item.id)).event is None
    assert (await editor.current(FEED, item.id)).state == "scheduled"
    assert [*await editor.due_list.next_times([FEED])] == [FEED]


async def test_what_is_due_goes_out_once(editor: Editor) -> None:
    item = await publish(editor, embargoedUntil=await later(editor, 30))

    async def is_due() -> bool:
        return item.id in (await editor.due_list.peek(FEED)).item_ids

    await until(is_due)
    at = await now(editor)
    done: list[Done] = await asyncio.gather(*(editor.publish_due(FEED, item.id, at) for _ in range(8)))
    assert len({d.event for d in done}) == 1
    (event,) = await events(editor)
    assert rfc3339(event.cursor.ms) >= item.embargoed_until
    assert (await editor.due_list.peek(FEED)).item_ids == ()
