"""Publishing beside Redis: checked as at the door of the server, and through the same script."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from livefeed.exceptions import ConfigError, Conflict, Invalid, NotFound, StaleVersion
from livefeed.feeds import FeedSettings
from livefeed.items import Item
from livefeed.log.catalog import Catalog
from livefeed.publisher import Publisher


async def test_the_life_of_an_item(redis: Redis, redis_url: str) -> None:
    await Catalog(redis).put("world", FeedSettings())
    async with Publisher(redis_url, producer="wire") as publisher:
        done = await publisher.publish("world", {"headline": "<b>Storm</b>", "uri": "urn:a:1"})
        assert isinstance(done.item, Item)
        assert done.item.origin is not None
        assert (done.created, done.item.headline, done.item.origin.producer) == (True, "Storm", "wire")
        item_id = done.item.id
        assert (await publisher.publish("world", {"headline": "Storm", "uri": "urn:a:1"})).event == done.event
        await publisher.publish("world", {"headline": "Gale", "uri": "urn:a:1"}, update=True)
        await publisher.patch("world", item_id, {"pinned": True}, version=2)
        with pytest.raises(StaleVersion):
            await publisher.patch("world", item_id, {"pinned": False}, version=2)
        await publisher.hold("world", item_id, "checking")
        await publisher.release("world", item_id)
        last = await publisher.cancel("world", item_id)
        assert last.item is not None
        assert (last.item.version, last.item.pub_status) == (6, "canceled")
        with pytest.raises(Conflict):
            await publisher.patch("world", item_id, {"pinned": True})


async def test_what_is_wrong_is_told_before_redis_hears_of_it(redis: Redis, redis_url: str) -> None:
    async with Publisher(redis_url) as publisher:
        with pytest.raises(Invalid, match="headline"):
            await publisher.publish("world", {"bodytext": "x"})
        with pytest.raises(NotFound, match="no feed 'world'"):
            await publisher.publish("world", {"headline": "x"})
    assert await redis.keys() == []


async def test_what_redis_cannot_give_is_refused_at_the_beginning(redis_url: str) -> None:
    with pytest.raises(ConfigError, match="durability 'aof'"):
        async with Publisher(redis_url, durability="aof"):
            pass
    with pytest.raises(ConfigError, match="cannot be used"):
        async with Publisher("redis://127.0.0.1:1"):
            pass
    with pytest.raises(RuntimeError, match="async with"):
        await Publisher(redis_url).publish("world", {"headline": "x"})
