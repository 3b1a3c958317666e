"""What the doorbell brings is used only when it proves that it follows the last event heard."""

from __future__ import annotations

from redis.asyncio import Redis

from livefeed.cursors import BIRTH
from livefeed.feeds import FeedSettings
from livefeed.items import ItemInput
from livefeed.log.catalog import Catalog
from livefeed.log.connect import inspect
from livefeed.log.doorbell import Entry
from livefeed.log.editor import Editor
from livefeed.log.eventlog import EventLog, chained
from livefeed.log.itemstore import ItemStore
from livefeed.log.keys import Keys

LOG = Keys("wire").log


async def wire(redis: Redis, url: str) -> Editor:
    editor = Editor(EventLog(redis, await inspect(redis, url)), ItemStore(redis), Catalog(redis))
    await editor.catalog.put("wire", FeedSettings())
    for headline in ("one", "two", "three"):
        await editor.publish("wire", ItemInput(headline=headline))
    return editor


async def entries(redis: Redis) -> list[Entry]:
    found: list[Entry] = await redis.execute_command("XRANGE", LOG, "-", "+")  # type: ignore[no-untyped-call]
    return found


async def test_each_event_names_the_one_before_it(redis: Redis, redis_url: str) -> None:
    editor = await wire(redis, redis_url)
    found = await entries(redis)
    events = chained("wire", BIRTH, found)
    assert events is not None
    assert [event.cursor.seq for event in events] == [1, 2, 3]
    later = chained("wire", events[0].cursor, found[1:])
    assert later is not None
    assert later[-1].cursor == await editor.log.head("wire")


async def test_a_gap_is_no_continuation(redis: Redis, redis_url: str) -> None:
    await wire(redis, redis_url)
    found = await entries(redis)
    assert chained("wire", BIRTH, found[1:]) is None
    assert chained("wire", BIRTH, [found[0], found[2]]) is None


async def test_the_next_number_on_another_branch_is_no_continuation(redis: Redis, redis_url: str) -> None:
    await wire(redis, redis_url)
    found = await entries(redis)
    events = chained("wire", BIRTH, found)
    assert events is not None
    before = events[1].cursor
    elsewhere = before._replace(ms=before.ms - 1)
    assert chained("wire", elsewhere, found[2:]) is None


async def test_a_foreign_entry_is_no_continuation(redis: Redis, redis_url: str) -> None:
    await wire(redis, redis_url)
    await redis.xadd(LOG, {"a": "b"})
    assert chained("wire", BIRTH, await entries(redis)) is None


async def test_an_entry_without_a_link_is_read_by_the_rule_of_all_others(redis: Redis, redis_url: str) -> None:
    """Logs that older versions wrote have none."""
    await wire(redis, redis_url)
    found = [
        (entry_id, {name: value for name, value in fields.items() if name != b"p"}) for entry_id, fields in await entries(redis)
    ]
    assert chained("wire", BIRTH, found) is None
