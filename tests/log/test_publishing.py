"""Publishing against a real Redis: what is new, what is the same again, and what is a new version."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from livefeed.events import EventType
from livefeed.exceptions import BadRequest, Conflict, Invalid, NotFound, Unavailable
from livefeed.feeds import FeedSettings
from livefeed.items import Item
from livefeed.log.durability import Durability
from livefeed.log.editor import Editor
from livefeed.log.keys import Keys
from tests.log.editing import FEED, events, given, publish, told


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


async def test_foreign_entries_that_a_publish_finds_are_counted(editor: Editor, redis: Redis) -> None:
    await editor.publish(FEED, given())
    await redis.xadd(Keys(FEED).log, {"mine": "x"})
    await redis.xadd(Keys(FEED).log, {"mine": "y"})
    await editor.publish(FEED, given())
    assert editor.counters.foreign_entries == 2
    assert [event.cursor.seq for event in await events(editor)] == [1, 2]
