"""The editor against a real Redis: the whole life of an item, and what each step leaves in the log."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from redis.asyncio import Redis

from livefeed.cursors import BIRTH, Cursor
from livefeed.events import Event, EventType, rfc3339
from livefeed.exceptions import BadRequest, Conflict, Forbidden, Invalid, NotFound, StaleVersion, Unavailable
from livefeed.feeds import FeedSettings
from livefeed.holes import Page
from livefeed.items import Item, ItemInput, Tombstone, parse_item
from livefeed.log.catalog import Catalog
from livefeed.log.connect import inspect
from livefeed.log.durability import Durability
from livefeed.log.editor import Done, Editor
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from tests.waiting import until

FEED = "world"


@pytest.fixture
async def editor(redis: Redis, redis_url: str) -> Editor:
    catalog = Catalog(redis)
    await catalog.put(FEED, FeedSettings())
    return Editor(EventLog(redis, await inspect(redis, redis_url)), ItemStore(redis), catalog)


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


# -- publishing


async def test_publishing(editor: Editor) -> None:
    done = await editor.publish(FEED, given(tags=["a"], edNote="SECRET"), producer="wire")
    assert isinstance(done.item, Item)
    assert (done.item.version, done.item.pub_status, done.item.uri) == (1, "usable", f"urn:uuid:{done.item.id}")
    assert done.item.origin is not None
    assert done.item.origin.producer == "wire"
    (event,) = await events(editor)
    assert (event.cursor, event.type, event.subject) == (done.event, EventType.PUBLISHED, done.item.uri)
    assert b"SECRET" not in event.json
    current = await editor.current(FEED, done.item.id)
    assert current.item == done.item


@pytest.mark.parametrize("identity", [{"uri": "urn:example:1"}, {}])
async def test_the_same_again_is_told_what_came_of_it(editor: Editor, identity: dict[str, str]) -> None:
    key = "" if identity else "k1"
    first = await editor.publish(FEED, given(**identity), key=key)
    assert first.item is not None
    await editor.patch(FEED, first.item.id, {"urgency": 1})
    again = await editor.publish(FEED, given(**identity), key=key)
    assert not again.created
    assert again.event == first.event
    assert again.item is not None
    assert again.item.version == 2
    with pytest.raises(Conflict, match="with other content"):
        await editor.publish(FEED, given(**identity, summary="other"), key=key)
    assert await told(editor) == [EventType.PUBLISHED, EventType.UPDATED]


@pytest.mark.parametrize("identity", [{"uri": "urn:example:1"}, {}])
async def test_other_content_is_a_new_version_when_that_is_asked_for(editor: Editor, identity: dict[str, str]) -> None:
    key = "" if identity else "k1"
    first = await editor.publish(FEED, given(**identity, summary="old", edNote="ask"), key=key, update=True)
    assert isinstance(first.item, Item)
    await editor.patch(FEED, first.item.id, {"pinned": True})
    done = await editor.publish(FEED, given(**identity, urgency=2), key=key, update=True)
    assert isinstance(done.item, Item)
    assert not done.created
    assert (done.item.version, done.item.summary, done.item.urgency) == (3, "", 2)
    assert (done.item.pinned, done.item.ed_note) == (True, "ask")
    again = await editor.publish(FEED, given(**identity, urgency=2), key=key, update=True)
    assert (again.event, again.item) == (done.event, done.item)
    assert await told(editor) == [EventType.PUBLISHED, EventType.PINNED, EventType.UPDATED]


async def test_a_key_and_a_uri_together(editor: Editor) -> None:
    await publish(editor, uri="urn:example:1")
    done = await editor.publish(FEED, given(uri="urn:example:1", urgency=1), key="k", update=True)
    again = await editor.publish(FEED, given(uri="urn:example:1", urgency=1), key="k", update=True)
    assert again.event == done.event
    with pytest.raises(Conflict):
        await editor.publish(FEED, given(uri="urn:example:2"), key="k")
    with pytest.raises(Invalid, match="cannot change"):
        await editor.publish(FEED, given(uri="urn:example:2"), key="k", update=True)
    assert await told(editor) == [EventType.PUBLISHED, EventType.UPDATED]


async def test_an_update_that_corrects(editor: Editor) -> None:
    await publish(editor, uri="urn:example:1")
    await editor.publish(FEED, given(uri="urn:example:1", headline="Gale", correction="It was a gale."), update=True)
    await editor.publish(FEED, given(uri="urn:example:1", headline="Gales", correction="It was a gale."), update=True)
    assert (await told(editor))[1:] == [EventType.CORRECTED, EventType.UPDATED]


async def test_a_feed_is_made_only_for_who_may(editor: Editor) -> None:
    with pytest.raises(NotFound, match="PUT /v1/feeds/new"):
        await editor.publish("new", given())
    assert (await editor.publish("new", given(), may_create=True)).created
    assert await editor.catalog.names() == ["new", FEED]


async def test_a_closed_feed_takes_no_new_items_but_changes(editor: Editor) -> None:
    item = await publish(editor)
    await editor.catalog.put(FEED, FeedSettings(open=False))
    with pytest.raises(Conflict, match="is closed"):
        await editor.publish(FEED, given())
    assert (await editor.cancel(FEED, item.id)).event


async def test_what_is_appended_is_counted(editor: Editor) -> None:
    for _ in range(3):
        await editor.publish(FEED, given(uri="urn:example:1"))
    with pytest.raises(Unavailable):
        await editor.publish(FEED, given(), durability=Durability.AOF)
    counted = editor.counters
    assert (counted.appends, counted.append_repeats, counted.append_failures) == (1, 2, 1)
    assert sum(counted.append_seconds.counts) == 3


async def test_a_key_has_a_bound(editor: Editor) -> None:
    with pytest.raises(BadRequest, match="has 256 characters"):
        await editor.publish(FEED, given(), key="k" * 256)


async def test_a_level_that_nobody_reaches_is_told_as_that_after_a_restart_too(editor: Editor, redis: Redis) -> None:
    """A Redis that was started anew knows no scripts: to find that out must not cost a wait."""
    await redis.script_flush()
    with pytest.raises(Unavailable, match="durability 'replica' was not reached"):
        await editor.publish(FEED, given(), durability=Durability.REPLICA)
    assert len(await events(editor)) == 1


async def test_a_publish_does_not_depend_on_the_inbox(editor: Editor, redis: Redis) -> None:
    await redis.set(f"livefeed:{{{FEED}}}:inbox", "no stream")
    item = await publish(editor)
    await editor.cancel(FEED, item.id)
    assert await told(editor) == [EventType.CANCELED]


async def test_a_durability_that_this_redis_cannot_give(editor: Editor) -> None:
    with pytest.raises(Unavailable, match="requires a Redis with 'appendonly yes'"):
        await editor.publish(FEED, given(), durability=Durability.AOF)


# -- changing


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


# -- before it is out


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


# -- at once


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
