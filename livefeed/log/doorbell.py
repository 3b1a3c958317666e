"""The doorbell: waits with `XREAD BLOCK` until one of many streams has a new entry.

It brings what rang, which proves nothing by itself: a stream that was emptied and filled again rings too, or stays silent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisError

from livefeed.cursors import Cursor
from livefeed.exceptions import Unavailable
from livefeed.log import scripts
from livefeed.log.cancelling import cancelled
from livefeed.log.client import Client
from livefeed.log.line import Line

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
    return _ClusterBell(client, most) if isinstance(client, RedisCluster) else _Bell(cast("Client", client), control, most)


class _Bell:
    """All streams in one command, on a line of its own."""

    def __init__(self, client: Client, control: Redis, most: int) -> None:
        self._client = client
        self._control = control
        self._most = most
        self._woken = asyncio.Event()
        self._line: Line | None = None
        self._id = 0
        self._reading: asyncio.Future[Any] | None = None
        self._interrupting: asyncio.Task[None] | None = None

    def wake(self) -> None:
        self._woken.set()
        if self._reading is not None and self._interrupting is None:
            self._interrupting = asyncio.ensure_future(self._interrupt(self._reading))

    async def wait(self, streams: Mapping[str, Cursor]) -> Rung:
        if not streams:
            return await _idle(self._woken)
        try:
            return await self._read(streams)
        except scripts.WrongTypeError:
            await asyncio.sleep(BLOCK / 10_000)
            raise
        except BaseException:
            await self.aclose()
            raise
        finally:
            self._woken.clear()

    async def _read(self, streams: Mapping[str, Cursor]) -> Rung:
        try:
            if self._line is None:
                self._line = await self._open()
                self._id = await self._line.send("CLIENT", "ID")
            # A bare future: a task for each event of the log would cost more than the event.
            self._reading = self._line.send(*_command(streams, self._most))
            if self._woken.is_set():
                self.wake()
            rung = _rung(await self._reading)
        except RedisError as exc:
            raise scripts.unavailable(exc) from exc
        finally:
            self._reading = None
            if interrupting := self._interrupting:
                self._interrupting = None
                await cancelled([interrupting])
        return rung if rung or self._woken.is_set() else dict.fromkeys(streams)

    async def _open(self) -> Line:
        try:
            return await self._client.line()
        except RedisError:
            # Redis may have no connection left and answer on older ones, so that the caller would try again at once.
            await asyncio.sleep(BLOCK / 10_000)
            raise

    async def _interrupt(self, reading: asyncio.Future[Any]) -> None:
        try:
            while not reading.done():
                if await scripts.command(self._control, "CLIENT", "UNBLOCK", self._id):
                    return
                # The command has not reached Redis yet: until it has, there is nothing to unblock.
                await asyncio.sleep(0.005)
        except Unavailable as exc:
            if not reading.done():
                reading.set_exception(exc)

    async def aclose(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


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
        try:
            await asyncio.wait({waking, *self._reading.values()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
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


def _command(streams: Mapping[str, Cursor], most: int) -> tuple[str | int, ...]:
    above = [str(cursor) for cursor in streams.values()]
    return ("XREAD", "COUNT", max(most // len(streams), 1), "BLOCK", BLOCK, "STREAMS", *streams, *above)


def _rung(answer: Any) -> Rung:
    """*answer* as it comes over a line."""
    return {
        name.decode(): [(entry_id, dict(zip(flat[::2], flat[1::2], strict=True))) for entry_id, flat in entries]
        for name, entries in (answer or {}).items()
    }


async def _read(client: Any, streams: Mapping[str, Cursor], most: int) -> Rung:
    answer = await scripts.command(client, *_command(streams, most))
    return {name.decode(): entries for name, entries in (answer or {}).items()}
