"""Lists of current items against a real Redis."""

from __future__ import annotations

from redis.asyncio import Redis

from livefeed.filters import Filter
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from tests.log.appending import FEED, append, published


async def test_lists_are_newest_first_and_walk_without_ties(log: EventLog, redis: Redis) -> None:
    for number in range(7):
        await append(log, published(f"i{number}", tags=("even",) if number % 2 == 0 else ("odd", "x"), urgency=number + 1))
    items = ItemStore(redis)

    walked: list[bytes] = []
    before = ""
    while True:
        listing = await items.newest(FEED, 2, before=before)
        walked += [row.data for row in listing.rows]
        before = listing.next
        if not before:
            break

    assert walked == [b'{"headline":"i%d"}' % number for number in reversed(range(7))]
    tagged = await items.newest(FEED, 10, only=Filter(frozenset({"odd", "x"})))
    assert [row.data for row in tagged.rows] == [b'{"headline":"i%d"}' % number for number in (5, 3, 1)]
    urgent = await items.newest(FEED, 10, only=Filter(urgency=2))
    assert [row.data for row in urgent.rows] == [b'{"headline":"i1"}', b'{"headline":"i0"}']
