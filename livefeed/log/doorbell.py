"""The doorbell: waits with `XREAD BLOCK` until one of many streams has a new entry.

It brings what rang, which proves nothing by itself: a stream that was emptied and filled again rings too, or stays silent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from redis.asyncio import Redis, RedisCluster

from livefeed.cursors import Cursor
from livefeed.log import scripts
from livefeed.log.cancelling import cancelled

__all__ = ["BLOCK", "Doorbell", "Entry", "doorbell"]

BLOCK = 2_000
"""ms that one call blocks. With more, a dead Redis would be detected later than readers are promised to be told."""

Entry = tuple[bytes, dict[bytes, bytes]]
"""One entry of a stream, as Redis says it: its id and its fields."""
Rung = Mapping[str, Sequence[Entry] | None]


class Doorbell(Protocol):
    async def wait(self, streams: Mapping[str, Cursor]) -> Rung:
        """The streams that have entries above the one named, with the first of these; those silent for `BLOCK`, with None.

        Raises `Unavailable`, and `WrongTypeError` if a key is not a stream, after a pause that keeps the caller from spinning.
        """

    def wake(self) -> None:
        """Let `wait` return at once, with nothing, because the set of streams has changed."""

    async def aclose(self) -> None: ...


def doorbell(client: Redis, control: Redis, *, most: int = 1) -> Doorbell:
    """A doorbell over *client*, whose timeout must be just above `BLOCK`; *control* is any other client.

    It brings *most* entries at once, of all streams together, and one at least of each that rang.
    """
    # A Cluster's client stands in for a plain one everywhere but here, where one command would name keys of many slots.
    return _ClusterBell(client, most) if isinstance(client, RedisCluster) else _Bell(client, control, most)


class _Bell:
    """All streams in one command, on one connection."""

    def __init__(self, client: Redis, control: Redis, most: int) -> None:
        self._client = client
        self._control = control
        self._most = most
        self._woken = asyncio.Event()
        self._waking: asyncio.Future[None] | None = None
        self._connection: Redis | None = None
        self._id = 0

    def wake(self) -> None:
        self._woken.set()
        if self._waking is not None and not self._waking.done():
            self._waking.set_result(None)

    async def wait(self, streams: Mapping[str, Cursor]) -> Rung:
        if not streams:
            return await _idle(self._woken)
        if self._connection is None:
            self._connection = await self._client.client().initialize()
            self._id = await scripts.command(self._connection, "CLIENT", "ID")
        reading = asyncio.ensure_future(_read(self._connection, streams, self._most))
        # A bare future: a task that waits for the event would be started and cancelled for each event of the log.
        waking = self._waking = asyncio.get_running_loop().create_future()
        if self._woken.is_set():
            waking.set_result(None)
        try:
            await asyncio.wait({reading, waking}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                return await reading or dict.fromkeys(streams)
            # The command may not have reached Redis yet: until it has, there is nothing to unblock.
            while not reading.done() and not await scripts.command(self._control, "CLIENT", "UNBLOCK", self._id):
                await asyncio.wait({reading}, timeout=0.005)
            return await reading
        except scripts.WrongTypeError:
            await asyncio.sleep(BLOCK / 10_000)
            raise
        except BaseException:
            await self.aclose()
            raise
        finally:
            waking.cancel()
            self._woken.clear()
            if not reading.done():
                await cancelled([reading])
            if not reading.cancelled():
                # Whoever is cancelled here does not wait for its result, which is no fault to report.
                reading.exception()

    async def aclose(self) -> None:
        if self._connection is not None:
            # Forgotten only when it is closed: who is cancelled here leaves it to the next who closes.
            await self._connection.aclose()
            self._connection = None


class _ClusterBell:
    """One command a stream: their slots are on different nodes."""

    def __init__(self, client: RedisCluster, most: int) -> None:
        self._client = client
        self._most = most
        self._woken = asyncio.Event()
        self._reading: dict[str, asyncio.Task[Rung]] = {}

    def wake(self) -> None:
        self._woken.set()

    async def wait(self, streams: Mapping[str, Cursor]) -> Rung:
        await self._end(self._reading.keys() - streams.keys())
        if not streams:
            return await _idle(self._woken)
        for name, above in streams.items():
            if name not in self._reading:
                self._reading[name] = asyncio.create_task(_read(self._client, {name: above}, self._most // len(streams)))
        waking = asyncio.ensure_future(self._woken.wait())
        await asyncio.wait({waking, *self._reading.values()}, return_when=asyncio.FIRST_COMPLETED)
        waking.cancel()
        self._woken.clear()
        rung: dict[str, Sequence[Entry] | None] = {}
        for name in [name for name, reading in self._reading.items() if reading.done()]:
            try:
                rung |= await self._reading.pop(name) or {name: None}
            except scripts.WrongTypeError:
                await asyncio.sleep(BLOCK / 10_000)
                raise
        return rung

    async def _end(self, names: set[str]) -> None:
        await cancelled([self._reading.pop(name) for name in names])

    async def aclose(self) -> None:
        await self._end(set(self._reading))


async def _idle(woken: asyncio.Event) -> Rung:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BLOCK / 1_000):
            await woken.wait()
    woken.clear()
    return {}


async def _read(client: Any, streams: Mapping[str, Cursor], most: int) -> Rung:
    above = [str(cursor) for cursor in streams.values()]
    count = max(most // len(streams), 1)
    answer = await scripts.command(client, "XREAD", "COUNT", count, "BLOCK", BLOCK, "STREAMS", *streams, *above)
    return {name.decode(): entries for name, entries in (answer or {}).items()}
