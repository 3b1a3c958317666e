"""Held, released and killed: what each leaves in the log, and that no word of the text stays in Redis."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from livefeed.events import EventType
from livefeed.exceptions import Conflict, Invalid
from livefeed.items import Item, Tombstone
from livefeed.log.editor import Editor
from tests.log.editing import FEED, events, everything, given, publish, told


async def test_holding_and_releasing(editor: Editor, redis: Redis) -> None:
    item = await publish(editor, headline="WRONGTEXT", tags=["a"], edNote="SECRET")
    await editor.patch(FEED, item.id, {"summary": "WRONGTOO"})
    hold = await editor.hold(FEED, item.id, "unverified")
    assert isinstance(hold.item, Tombstone)
    assert (hold.item.version, hold.item.pub_status, hold.item.reason) == (3, "withheld", "unverified")
    assert await told(editor) == [EventType.WITHHELD]
    assert await editor.items.history(FEED, item.id) == []
    assert b"WRONG" not in b"".join(event.json for event in await events(editor))
    again = await editor.hold(FEED, item.id, "other")
    assert (again.event, again.item) == (hold.event, hold.item)
    with pytest.raises(Conflict, match="withheld and you cannot"):
        await editor.patch(FEED, item.id, {"headline": "x"})
    back = await editor.release(FEED, item.id)
    assert isinstance(back.item, Item)
    assert (back.item.version, back.item.headline, back.item.ed_note) == (4, "WRONGTEXT", "SECRET")
    assert (await editor.release(FEED, item.id)).event == back.event
    assert await told(editor) == [EventType.WITHHELD, EventType.RELEASED]


async def test_a_release_can_bring_the_right_text(editor: Editor, redis: Redis) -> None:
    item = await publish(editor, headline="WRONGTEXT")
    await editor.hold(FEED, item.id)
    done = await editor.release(FEED, item.id, {"headline": "Right", "correction": "The number was wrong."})
    assert isinstance(done.item, Item)
    assert (done.item.version, done.item.headline, done.item.pub_status) == (3, "Right", "usable")
    assert b"WRONGTEXT" not in await everything(redis)
    with pytest.raises(Conflict, match="nothing to release"):
        await editor.release(FEED, item.id, {"headline": "x"})


async def test_a_reason_is_plain_text_too(editor: Editor) -> None:
    item = await publish(editor)
    with pytest.raises(Invalid, match="reason: must be text"):
        await editor.hold(FEED, item.id, 5)  # type: ignore[arg-type]
    done = await editor.hold(FEED, item.id, "<b>checking</b>\u202e")
    assert isinstance(done.item, Tombstone)
    assert done.item.reason == "checking"


async def test_the_last_hold_is_the_one_that_is_released(editor: Editor) -> None:
    item = await publish(editor, headline="first")
    for text in ("second", "third"):
        await editor.hold(FEED, item.id)
        await editor.release(FEED, item.id, {"headline": text})
    await editor.hold(FEED, item.id)
    releases = await asyncio.gather(*(editor.release(FEED, item.id) for _ in range(4)))
    assert {done.event for done in releases} == {(await events(editor))[-1].cursor}
    current = (await editor.current(FEED, item.id)).item
    assert current is not None
    assert (current.headline, current.version) == ("third", 7)


@pytest.mark.parametrize("held_first", [False, True])
async def test_a_kill_is_final(editor: Editor, redis: Redis, held_first: bool) -> None:
    item = await publish(editor, uri="urn:example:1", headline="KILLEDTEXT")
    if held_first:
        await editor.hold(FEED, item.id, "why")
    kill = await editor.cancel(FEED, item.id)
    assert isinstance(kill.item, Tombstone)
    assert kill.item.pub_status == "canceled"
    assert kill.item.reason == ("why" if held_first else "")
    assert b"KILLEDTEXT" not in await everything(redis)
    assert (await editor.cancel(FEED, item.id)).event == kill.event
    for change in (
        editor.patch(FEED, item.id, {"urgency": 1}),
        editor.hold(FEED, item.id),
        editor.release(FEED, item.id),
        editor.publish_draft(FEED, item.id),
        editor.publish(FEED, given(uri="urn:example:1", headline="new"), update=True),
    ):
        with pytest.raises(Conflict, match="killed permanently"):
            await change
    repeat = await editor.publish(FEED, given(uri="urn:example:1", headline="KILLEDTEXT"))
    assert repeat.item == kill.item
    assert (await told(editor))[-1] is EventType.CANCELED
    assert b"KILLEDTEXT" not in await everything(redis)


async def test_what_nobody_saw_is_not_held_and_killed_in_silence(editor: Editor, redis: Redis) -> None:
    draft = await publish(editor, draft=True, headline="KILLEDTEXT")
    with pytest.raises(Conflict, match="nothing to hold"):
        await editor.hold(FEED, draft.id)
    with pytest.raises(Conflict, match="nothing to release"):
        await editor.release(FEED, draft.id)
    done = await editor.cancel(FEED, draft.id)
    assert done.event is None
    assert await told(editor) == []
    assert b"KILLEDTEXT" not in await everything(redis)
