"""The inbox: whatever a program puts there reaches the log once, in order, or the rejected ones with its reason."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from redis.asyncio import Redis

from livefeed.counters import Counters
from livefeed.cursors import BIRTH
from livefeed.holes import Page
from livefeed.log import scripts
from livefeed.log.audit import Audit
from livefeed.log.cancelling import cancelled
from livefeed.log.connect import connect
from livefeed.log.doorbell import doorbell
from livefeed.log.editor import Editor
from livefeed.log.inbox import Inbox
from tests.log.appending import FEED
from tests.waiting import until

INBOX = f"livefeed:{{{FEED}}}:inbox"
REJECTED = f"livefeed:{{{FEED}}}:rejected"


async def put(redis: Redis, item: object, op: str = "publish") -> None:
    await redis.xadd(INBOX, {"item": orjson.dumps(item), "op": op})


async def moved(editor: Editor, redis_url: str, workers: int = 1) -> list[Counters]:
    """Let *workers* movers work until the inbox is empty."""
    waiting = await editor.log.redis.xlen(INBOX)
    clients = [connect(redis_url, timeout=5.0) for _ in range(workers)]
    bells = [doorbell(client, editor.log.redis) for client in clients]
    counters = [Counters() for _ in bells]
    audit = Audit(editor.log.redis, Counters())
    tasks = [asyncio.create_task(Inbox(editor, bell, c, audit).run()) for bell, c in zip(bells, counters, strict=True)]

    async def done() -> bool:
        # An entry is gone from the inbox a moment before its mover has heard of it.
        counted = sum(c.inbox_moved + c.inbox_rejected for c in counters)
        return counted >= waiting and not await editor.log.redis.xlen(INBOX)

    await until(done)
    await cancelled(tasks)
    await audit.close()
    for bell, client in zip(bells, clients, strict=True):
        await bell.aclose()
        await client.aclose()
    return counters


async def events(editor: Editor) -> list[tuple[str, str]]:
    page = await editor.log.read(FEED, BIRTH, 1_000)
    assert isinstance(page, Page)
    return [(event.type.value.removeprefix("live.item."), event.subject) for event in page.events]


async def test_entries_are_moved_in_their_order(editor: Editor, redis: Redis, redis_url: str) -> None:
    for number in range(20):
        await put(redis, {"headline": f"h{number}", "uri": f"urn:x:{number}"})

    (counters,) = await moved(editor, redis_url)

    assert await events(editor) == [("published", f"urn:x:{number}") for number in range(20)]
    assert counters.inbox_moved == 20


async def test_three_movers_move_each_entry_once(editor: Editor, redis: Redis, redis_url: str) -> None:
    for number in range(300):
        await put(redis, {"headline": f"h{number}", "uri": f"urn:x:{number}"})

    counters = await moved(editor, redis_url, workers=3)

    assert await events(editor) == [("published", f"urn:x:{number}") for number in range(300)]
    assert sum(c.inbox_moved for c in counters) == 300


async def test_operations(editor: Editor, redis: Redis, redis_url: str) -> None:
    item = {"headline": "h", "uri": "urn:x:1"}
    await put(redis, item)
    await put(redis, item)
    await put(redis, {**item, "headline": "other"}, op="upsert")
    await put(redis, {"uri": "urn:x:1", "reason": "checking"}, op="hold")
    await put(redis, {"uri": "urn:x:1"}, op="hold")
    await put(redis, {"uri": "urn:x:1"}, op="release")
    await put(redis, {"uri": "urn:x:1"}, op="cancel")

    await moved(editor, redis_url)

    # The kill has removed what was said before.
    assert await events(editor) == [("canceled", "urn:x:1")]
    assert await redis.xlen(REJECTED) == 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"x": "y"}, "an inbox entry must have the field 'item'"),
        ({"item": "{"}, "the item is not JSON"),
        ({"item": b"\xff\xfe"}, "the item is not JSON"),
        ({"item": "{}"}, "headline"),
        ({"item": '{"headline":"h","nonsense":1}'}, "nonsense"),
        ({"item": '{"headline":"h"}', "op": "explode"}, "op must be one of"),
        ({"item": '{"uri":"urn:nobody"}', "op": "hold"}, "no item with the uri"),
        ({"item": "[]", "op": "cancel"}, "JSON object"),
        ({"item": '{"id":"nobody"}', "op": "release"}, "no item"),
    ],
)
async def test_what_cannot_be_used_is_moved_away_with_its_reason(
    editor: Editor, redis: Redis, redis_url: str, fields: dict[str | bytes, bytes | str], reason: str
) -> None:
    await redis.xadd(INBOX, fields)  # type: ignore[arg-type]
    await put(redis, {"headline": "good", "uri": "urn:x:good"})

    (counters,) = await moved(editor, redis_url)

    assert await events(editor) == [("published", "urn:x:good")]
    assert counters.inbox_rejected == 1
    ((_, rejected),) = await scripts.command(redis, "XRANGE", REJECTED, "-", "+")
    assert reason in rejected[b"reason"].decode()


async def test_other_content_under_a_known_uri_is_rejected(editor: Editor, redis: Redis, redis_url: str) -> None:
    await put(redis, {"headline": "one", "uri": "urn:x:1"})
    await put(redis, {"headline": "two", "uri": "urn:x:1"})

    await moved(editor, redis_url)

    assert await events(editor) == [("published", "urn:x:1")]
    assert await redis.xlen(REJECTED) == 1


async def test_what_came_by_the_inbox_is_in_the_audit_trail(editor: Editor, redis: Redis, redis_url: str) -> None:
    for op in ("publish", "publish", "upsert", "hold", "release", "cancel"):
        await put(redis, _NAMED[op], op)
    client = connect(redis_url, timeout=5.0)
    bell, audit = doorbell(client, redis), Audit(redis, Counters())
    tasks = [asyncio.create_task(work) for work in (Inbox(editor, bell, Counters(), audit).run(), audit.run())]

    async def all_noted() -> bool:
        return bool(await redis.xlen("livefeed:audit") == 5)

    await until(all_noted)
    await cancelled(tasks)
    await bell.aclose()
    await client.aclose()
    trail = [(entry.action, entry.by) for entry in reversed(await Audit(redis, Counters()).read())]
    deeds = ["published", "updated", "withheld", "released", "canceled"]
    assert trail == [(f"item.{deed}", "inbox") for deed in deeds]


_NAMED = {
    "publish": {"headline": "a", "uri": "urn:a:1"},
    "upsert": {"headline": "b", "uri": "urn:a:1"},
    "hold": {"uri": "urn:a:1"},
    "release": {"uri": "urn:a:1"},
    "cancel": {"uri": "urn:a:1"},
}
