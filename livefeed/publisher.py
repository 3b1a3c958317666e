"""Publishing from Python directly to Redis, without the HTTP interface.

    async with Publisher("redis://127.0.0.1:6379", producer="wire") as publisher:
        done = await publisher.publish("world", {"headline": "Storm reaches the coast", "urgency": 2})
        print(done.event)

Items are validated and sanitised as by the server, and appended by the same script, so that the same guarantees apply.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from livefeed.feeds import check_feed_name
from livefeed.items import parse_item
from livefeed.log.catalog import Catalog
from livefeed.log.connect import connect, inspect
from livefeed.log.durability import Durability
from livefeed.log.editor import Done, Editor
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore

__all__ = ["Publisher"]


class Publisher:
    """*producer* is stored as the item's origin. A durability that this Redis does not support raises `ConfigError` on entry."""

    def __init__(self, url: str, *, producer: str = "", durability: Durability | str = Durability.MEMORY) -> None:
        self._url = url
        self._producer = producer
        self._durability = Durability(durability)
        self._redis = connect(url)
        self._opened: Editor | None = None

    async def __aenter__(self) -> Self:
        try:
            log = EventLog(self._redis, await inspect(self._redis, self._url), durability=self._durability)
        except BaseException:
            await self._redis.aclose()
            raise
        self._opened = Editor(log, ItemStore(self._redis), Catalog(self._redis))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._opened = None
        await self._redis.aclose()

    async def publish(self, feed: str, item: Mapping[str, Any], *, key: str = "", update: bool = False) -> Done:
        """Publish *item* to an existing feed. A repetition, by `uri` or *key*, returns the first result and has no effect.

        Raises `Invalid` with all invalid fields, and `Conflict` for different content, which *update* makes a new version.
        """
        given = parse_item(item, now=time.time_ns() // 1_000_000)
        return await self._editor.publish(check_feed_name(feed), given, producer=self._producer, key=key, update=update)

    async def patch(self, feed: str, item_id: str, changes: Mapping[str, Any], *, version: int | None = None) -> Done:
        """Change some fields (RFC 7396). With *version*, raises `StaleVersion` if the item is at another version."""
        return await self._editor.patch(check_feed_name(feed), item_id, changes, expects=version)

    async def hold(self, feed: str, item_id: str, reason: str = "") -> Done:
        return await self._editor.hold(check_feed_name(feed), item_id, reason)

    async def release(self, feed: str, item_id: str) -> Done:
        return await self._editor.release(check_feed_name(feed), item_id)

    async def cancel(self, feed: str, item_id: str, reason: str = "") -> Done:
        return await self._editor.cancel(check_feed_name(feed), item_id, reason)

    @property
    def _editor(self) -> Editor:
        if self._opened is None:
            raise RuntimeError("use it as a context manager: async with Publisher(url) as publisher")
        return self._opened
