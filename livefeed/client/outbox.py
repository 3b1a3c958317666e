"""The outbox: a durable queue of items to publish, on disk before they are sent.

Rule 1: an entry is committed before `put` returns, and deleted after the server has answered for it. Rule 2: entries are sent
one at a time, in the order in which they were put. Rule 3: an entry keeps its idempotency key and its uri, so that sending it
again changes nothing. Rule 4: an entry that the server rejects for its content is set aside with the reason, and the next one is
sent. One that is rejected because of the credential or a missing feed stays in the queue, since that is corrected on the server.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, get_args
from uuid import uuid4

import orjson

from livefeed.client.backoff import Backoff
from livefeed.client.journal import Entry, Journal, Op, Rejected
from livefeed.client.session import Livefeed
from livefeed.client.types import Item
from livefeed.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    RequestError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)

__all__ = ["OPS", "Outbox"]

_log = logging.getLogger("livefeed.outbox")

OPS: tuple[Op, ...] = get_args(Op)
_AT_ONCE = 50
"""Entries that are read and deleted together. After a crash in between they are sent again with the same keys."""
_NOT_THE_ITEMS_FAULT = (Unauthorized, Forbidden, NotFound, TooManyRequests, Unavailable)

_T = TypeVar("_T")


class Outbox:
    """A durable queue in one SQLite file, for one process at a time:

        async with Livefeed(url, token) as lf, Outbox("desk.outbox") as outbox, asyncio.TaskGroup() as group:
            sending = group.create_task(outbox.run(lf))
            await outbox.put("world", {"headline": "Something happened."})
            await outbox.join()
            sending.cancel()

    It also stores *notes*: small facts that a producer needs after a restart, committed in one transaction with the entries that
    they belong to.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._waiting = asyncio.Event()
        self._empty = asyncio.Event()
        # SQLite waits for the disk at each commit; a thread of its own keeps the loop free and the writes in order.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="outbox")

    async def __aenter__(self) -> Self:
        try:
            self._journal = await self._do(lambda: Journal(self.path))
        except BaseException:
            self._thread.shutdown()
            raise
        self._notice(await self.pending())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._do(self._journal.close)
        self._thread.shutdown()

    async def put(self, feed: str, item: Item | Mapping[str, Any], *, op: Op = "publish") -> str:
        """Queue an item and return its uri, which is generated if it has none. The item is on disk when this returns.

        *op* "upsert" makes a new version of a known uri; "hold", "release" and "cancel" need only `{"uri": …}`. A release
        may include changes to the item.
        """
        (uri,) = await self.put_all([(feed, item, op)])
        return uri

    async def put_all(
        self, entries: Iterable[tuple[str, Item | Mapping[str, Any], Op]], *, notes: Mapping[str, str] | None = None
    ) -> list[str]:
        """Queue many (feed, item, op) entries, and *notes* about them, in one transaction."""
        rows: list[tuple[str, Op, str, bytes]] = []
        uris: list[str] = []
        for feed, item, op in entries:
            if op not in OPS:
                raise BadRequest(f"{op!r} is not an operation: use one of {', '.join(OPS)}")
            uri = item.get("uri")
            if not uri and op != "publish":
                raise BadRequest(f"to {op} needs the item's uri: it says which item is meant")
            uris.append(uri or f"urn:uuid:{uuid4()}")
            rows.append((feed, op, uuid4().hex, orjson.dumps({**item, "uri": uris[-1]})))
        await self._do(lambda: self._journal.insert(rows, notes or {}))
        if rows:
            self._notice(len(rows))
        return uris

    async def notes(self, names: Iterable[str]) -> dict[str, str]:
        """The values of those of *names* that exist as notes."""
        wanted = list(names)
        return await self._do(lambda: self._journal.recall(wanted))

    async def forget(self, *, days: int) -> int:
        """Delete notes that were not written or read for *days* days. Returns their number."""
        return await self._do(lambda: self._journal.forget(days))

    async def pending(self) -> int:
        """The number of queued entries."""
        return await self._do(self._journal.count)

    async def rejected(self) -> list[Rejected]:
        """The entries that the server rejected, with the reasons."""
        return await self._do(self._journal.rejected)

    async def retry(self) -> int:
        """Queue the rejected entries again. Returns their number."""
        count = await self._do(self._journal.retry)
        if count:
            self._notice(count)
        return count

    async def join(self) -> None:
        """Wait until the queue is empty, while `run` is running."""
        await self._empty.wait()

    async def run(self, lf: Livefeed) -> None:
        """Send queued entries until cancelled, with retries while the server is unreachable or refuses the credential."""
        backoff = Backoff(base=0.5, cap=30.0)
        while True:
            await self._waiting.wait()
            try:
                await self.drain(lf)
                backoff.reset()
            except _NOT_THE_ITEMS_FAULT as error:
                wait = backoff.next()
                _log.warning("%d entries wait in %s: %s; next attempt in %.1f s", await self.pending(), self.path, error, wait)
                await asyncio.sleep(wait)

    async def drain(self, lf: Livefeed) -> None:
        """Send the queued entries. Raises `Unavailable`, or the refusal if the item is not its cause."""
        while entries := _repeatable(await self._do(lambda: self._journal.first(_AT_ONCE))):
            done: list[tuple[Entry, str | None]] = []
            try:
                for entry in entries:
                    refusal = await _refusal(lf, entry)
                    done.append((entry, refusal))
                    if refusal is not None:
                        _log.error("rejected permanently: %s %s: %s", entry.op, entry.item["uri"], refusal)
            finally:
                await self._do(partial(self._journal.finish, done))
        self._notice(await self.pending())

    def _notice(self, waiting: int) -> None:
        full, empty = (self._waiting, self._empty) if waiting else (self._empty, self._waiting)
        full.set()
        empty.clear()

    async def _do(self, step: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, step)


def _repeatable(entries: list[Entry]) -> list[Entry]:
    """The longest prefix that is safe to repeat together: a hold has no key, and repeated after a release would hold again."""
    for number, entry in enumerate(entries, start=1):
        if entry.op not in ("publish", "upsert"):
            return entries[:number]
    return entries


async def _refusal(lf: Livefeed, entry: Entry) -> str | None:
    """Send the entry. Returns the refusal if the entry itself is its cause."""
    try:
        await _perform(lf, entry)
    except _NOT_THE_ITEMS_FAULT:
        raise
    except RequestError as error:
        return str(error)
    return None


async def _perform(lf: Livefeed, entry: Entry) -> None:
    feed, op, item = entry.feed, entry.op, entry.item
    if op == "publish" or op == "upsert":
        await lf.publish(feed, item, key=entry.key, existing="update" if op == "upsert" else None)
        return
    found = (await lf.list(feed, uri=item["uri"], desk=True)).items
    if not found:
        raise RequestError(f"no item of {feed} has the uri {item['uri']!r}")
    item_id = found[0]["id"]
    if op == "release":
        await _release(lf, entry, item_id)
    elif op == "hold":
        await lf.hold(feed, item_id, reason=item.get("reason"))
    else:
        await lf.cancel(feed, item_id, reason=item.get("reason"))


async def _release(lf: Livefeed, entry: Entry, item_id: str) -> None:
    changes = {name: value for name, value in entry.item.items() if name != "uri"}
    try:
        await lf.release(entry.feed, item_id, changes=changes or None)
    except Conflict:
        # Already released by someone else: the changes become an ordinary update.
        if not changes:
            raise
        await lf.publish(entry.feed, entry.item, key=entry.key, existing="update")
