"""Many feeds are dealt to a few connections, each of which waits for its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livefeed.channel import Channel
from livefeed.items import ItemInput
from livefeed.log.catalog import Catalog
from livefeed.log.connect import connect
from livefeed.log.editor import Editor
from livefeed.log.itemstore import ItemStore
from livefeed.log.tail import SHARE, Tail
from tests.log.tailing import Sink, read, tailing
from tests.stores import Store, running_store
from tests.waiting import until

FEEDS = [f"feed-{number}" for number in range(SHARE + 1)]
"""One more than one listener has."""


class Desk:
    """A tail that follows `FEEDS`, and what their readers are sent."""

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.redis = tail.log.redis
        self.sinks = {feed: Sink() for feed in FEEDS}
        self.channels: dict[str, Channel] = {}
        self._editor = Editor(tail.log, ItemStore(self.redis), Catalog(self.redis))

    async def follow(self, *feeds: str) -> None:
        for feed in feeds:
            self.channels[feed] = await read(self.tail, feed, self.sinks[feed])

    def leave(self, *feeds: str) -> None:
        for feed in feeds:
            self.tail.leave(self.channels.pop(feed))

    async def heard(self, feed: str, headline: str) -> None:
        """An item in *feed* reaches its reader."""
        await self._editor.publish(feed, ItemInput(headline=headline))
        await until(lambda: headline.encode() in self.sinks[feed].text)

    async def waiting(self, connections: int) -> None:
        """As many *connections* wait for entries."""

        async def wait() -> bool:
            return bool((await self.redis.info("clients"))["blocked_clients"] == connections)

        await until(wait)


@asynccontextmanager
async def desk(store: Store, bells: int) -> AsyncIterator[Desk]:
    async with connect(store.url, timeout=5.0) as redis, tailing(redis, store.url, bells=bells) as tail:
        yield Desk(tail)


async def test_what_does_not_fit_on_one_connection_is_heard_on_another() -> None:
    with running_store() as store:
        async with desk(store, bells=3) as own:
            await own.follow(*FEEDS)
            await own.waiting(2)
            for feed in (FEEDS[0], FEEDS[-1]):
                await own.heard(feed, "early")
                await own.heard(feed, "late")


async def test_few_feeds_take_one_connection_and_none_take_none() -> None:
    with running_store() as store:
        async with desk(store, bells=3) as own:
            await own.follow("feed-0", "feed-1")
            await own.waiting(1)
            own.leave("feed-0", "feed-1")
            await own.waiting(0)
            await own.follow("feed-1")
            await own.heard("feed-1", "after all")


async def test_a_place_that_became_free_is_taken_again() -> None:
    with running_store() as store:
        async with desk(store, bells=2) as own:
            await own.follow(*FEEDS)
            own.leave("feed-0", FEEDS[-1])
            await own.waiting(1)
            await own.follow("feed-0")
            await own.heard("feed-0", "in the place of the first")
            await own.waiting(1)


async def test_more_feeds_than_places_are_followed_nevertheless() -> None:
    with running_store() as store:
        async with desk(store, bells=1) as own:
            await own.follow(*FEEDS)
            await own.heard(FEEDS[-1], "beyond the share")
            await own.waiting(1)


async def test_a_lost_connection_of_one_share_is_made_anew() -> None:
    with running_store() as store:
        async with desk(store, bells=2) as own:
            await own.follow(*FEEDS)
            for feed in (FEEDS[0], FEEDS[-1]):
                await own.heard(feed, "first")
            await own.waiting(2)
            await own.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]
            await until(lambda: own.tail.counters.tail_restarts == 1)
            await own.waiting(2)
            for feed in (FEEDS[0], FEEDS[-1]):
                await own.heard(feed, "second")


async def test_without_a_connection_for_each_share_all_are_heard_as_soon_as_there_is_one() -> None:
    with running_store() as store:
        async with desk(store, bells=2) as own:
            # One for commands, and one for two shares.
            await own.redis.config_set("maxclients", 2)
            await own.follow(*FEEDS)
            await until(lambda: own.tail.counters.tail_restarts > 1)
            await own.redis.config_set("maxclients", 100)
            await own.waiting(2)
            for feed in (FEEDS[0], FEEDS[-1]):
                await own.heard(feed, "at last")
