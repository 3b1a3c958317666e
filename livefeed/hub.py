"""The hub: the channels of one worker, and the tasks that serve them.

Every task is owned by the hub's task group, which ends when the hub is closed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Self

import structlog

from livefeed.channel import Channel
from livefeed.counters import Counters
from livefeed.cursors import Cursor
from livefeed.exceptions import NotFound, RequestError, Unavailable
from livefeed.grants import Caller, Role
from livefeed.holes import Continuation, Hole, NoFeed
from livefeed.log.cancelling import cancelled
from livefeed.log.catalog import Catalog, Feed
from livefeed.log.doorbell import Doorbell
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from livefeed.log.tail import Tail
from livefeed.reader import After, Reader, Start, State, Unknown
from livefeed.snapshots import Listing
from livefeed.starts import Since
from livefeed.terms import Terms
from livefeed.ticks import pause, until_tick
from livefeed.waiting import ListNewest, ReadAfter, Request
from livefeed.wheel import TURN, Wheel

__all__ = ["HEARTBEAT", "Hub"]

HEARTBEAT = 15
"""Maximum number of seconds between two events to a reader."""

_LINGER = 60.0
"""Seconds for which a channel is kept after its last reader left: disconnected readers usually return soon."""

_SETTINGS_AGE = 2.0
"""Seconds within which unauthorised readers are disconnected after a feed was made private."""

_log = structlog.get_logger("livefeed.hub")


class Hub:
    """The channels of one worker. Used as a context manager, which owns all tasks."""

    def __init__(
        self,
        log: EventLog,
        items: ItemStore,
        catalog: Catalog,
        bells: Sequence[Doorbell],
        *,
        version: str,
        counters: Counters,
        forget: Callable[[str], object] | None = None,
    ) -> None:
        self.log = log
        self.items = items
        self.catalog = catalog
        self.counters = counters
        self.terms = Terms(version=version, heartbeat=HEARTBEAT, now=lambda: time.time_ns() // 1_000_000)
        self.channels: dict[str, Channel] = {}
        self.tail = Tail(log, bells, counters)
        self.settings: dict[str, Feed] = {}
        self._forget = forget
        self.draining = False
        self._opening: dict[str, asyncio.Task[Channel | RequestError]] = {}
        self._wheel = Wheel()
        self._empty_since: dict[str, float] = {}
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._running = [self._tasks.create_task(loop) for loop in (self.tail.run(), self._turn(), self._watch_settings())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await cancelled(self._running)
        await self._tasks.__aexit__(kind, error, traceback)

    # -- channels

    async def open(self, feed: str, caller: Caller) -> Channel:
        """The channel of *feed*, if the caller may read it. Raises `NotFound`, `Unauthorized`, `Forbidden`, `Unavailable`."""
        return self.opened(feed, caller) or self._admit(await self.channel(feed), caller)

    def opened(self, feed: str, caller: Caller) -> Channel | None:
        """The same at once; None when the channel of *feed* is not followed yet."""
        if self.draining:
            raise Unavailable("the server is stopping", retry_after=1)
        channel = self._followed(feed)
        return None if channel is None else self._admit(channel, caller)

    def _admit(self, channel: Channel, caller: Caller) -> Channel:
        feed = channel.feed
        if not self.settings[feed].settings.public:
            caller.require(Role.READ, feed)
        if channel.stale_since is not None:
            raise Unavailable("the event log cannot be read at the moment", retry_after=2)
        return channel

    async def channel(self, feed: str) -> Channel:
        """The channel of *feed*, followed from now on. Raises `NotFound`, `Unavailable`."""
        channel = self._followed(feed)
        if channel is not None:
            return channel
        opening = self._opening.get(feed)
        if opening is None:
            opening = self._opening[feed] = self._tasks.create_task(self._open(feed))
            opening.add_done_callback(lambda _: self._opening.pop(feed, None))
        # Shielded: a cancelled connection must not cancel the channel for others that wait for it.
        opened = await asyncio.shield(opening)
        if isinstance(opened, RequestError):
            raise opened
        return opened

    def _followed(self, feed: str) -> Channel | None:
        channel = self.channels.get(feed)
        if channel is not None:
            # The caller is about to join: until then the channel must not be removed.
            self._empty_since.pop(feed, None)
        return channel

    async def _open(self, feed: str) -> Channel | RequestError:
        try:
            found = await self.catalog.get(feed)
        except (NotFound, Unavailable) as exc:
            return exc
        channel = Channel(feed, found.head, terms=self.terms, ask=self._ask, counters=self.counters, forget=self._forget)
        self.settings[feed] = found
        self.channels[feed] = channel
        self._empty_since[feed] = time.monotonic()
        self.tail.follow(channel)
        return channel

    async def resolve(self, feed: str, wanted: Start | Since) -> Start:
        """The position of a time in the log of *feed*."""
        if not isinstance(wanted, Since):
            return wanted
        match await self.log.since(feed, wanted.ms):
            case Cursor() as position:
                return After(position, given=False)
            case Hole(reason):
                return Unknown(reason)
            case _:
                raise NotFound(f"there is no feed {feed!r}")

    def join(self, reader: Reader) -> None:
        """Serve *reader* from its channel, and send it heartbeats."""
        self._wheel.add(reader)
        self._empty_since.pop(reader.channel.feed, None)
        reader.channel.join(reader)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run *work* for a connection; it must not raise. The hub awaits it when it closes."""
        return self._tasks.create_task(work)

    # -- reading for channels

    def _ask(self, channel: Channel, request: Request, generation: int) -> None:
        self._tasks.create_task(self._answer(channel, request, generation))

    async def _answer(self, channel: Channel, request: Request, generation: int) -> None:
        try:
            answer = await self._read(channel.feed, request)
        except Unavailable as exc:
            _log.warning("readers could not be served from the log", feed=channel.feed, reason=str(exc))
            channel.failed(request)
            return
        except Exception:  # noqa: BLE001  # the edge of a read: those who wait for it must not wait for ever
            _log.exception("a read for readers failed", feed=channel.feed)
            channel.failed(request)
            return
        try:
            channel.answer(request, generation, answer)
        except Exception:  # noqa: BLE001  # our own fault: where each reader stands is uncertain, and coming back is exact
            _log.exception("readers could not be brought level", feed=channel.feed)
            for reader in list(channel.readers):
                self.farewell(reader, "error", 1011)

    async def _read(self, feed: str, request: Request) -> Continuation | Listing:
        match request:
            case ReadAfter(position):
                return await self.log.read(feed, position)
            case ListNewest(items, only):
                try:
                    return await self.items.newest(feed, items, only=only)
                except NotFound:
                    return NoFeed()

    # -- the wheel

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            wait = until_tick(loop.time(), TURN)
            due = loop.time() + wait
            await asyncio.sleep(wait)
            self.counters.loop_lag_seconds.observe(max(loop.time() - due, 0.0))
            try:
                self._beat()
                self._forget_idle()
            except Exception:  # noqa: BLE001  # a supervised loop: one reader's fault must not stop the others' heartbeats
                _log.exception("a turn of the wheel failed")

    def _beat(self) -> None:
        by_channel: dict[Channel, list[Reader]] = {}
        for reader in self._wheel.turn():
            by_channel.setdefault(reader.channel, []).append(reader)
        for channel, members in by_channel.items():
            channel.notices.heartbeat(members, channel.ring.head)

    def _forget_idle(self) -> None:
        now = time.monotonic()
        for feed, channel in list(self.channels.items()):
            if channel.readers or channel.watchers:
                self._empty_since.pop(feed, None)
            elif now - self._empty_since.setdefault(feed, now) > _LINGER:
                del self.channels[feed], self.settings[feed], self._empty_since[feed]
                self.tail.leave(channel)

    async def _watch_settings(self) -> None:
        while True:
            await pause(_SETTINGS_AGE)
            try:
                await self._refresh_settings()
            except Unavailable:
                # The tail informs the readers; the last known permissions stay in force.
                continue
            except Exception:  # noqa: BLE001  # a supervised loop
                _log.exception("reading the feeds' settings failed")

    async def _refresh_settings(self) -> None:
        names = list(self.channels)
        for name, feed in zip(names, await self.catalog.get_many(names), strict=True):
            if feed is None or name not in self.channels:
                continue
            self.settings[name] = feed
            if not feed.settings.public:
                for reader in list(self.channels[name].readers):
                    if not reader.caller.may(Role.READ, name):
                        self.farewell(reader, "forbidden", 4403)

    # -- shutdown

    @property
    def ready(self) -> bool:
        """Whether the logs are being followed."""
        return not self.draining and time.monotonic() - self.tail.progress < 5.0 and not self.counters.tails_stale

    async def drain(self, within: float) -> None:
        """Send `goodbye` to every reader, spread over *within* seconds, and accept no new ones."""
        self.draining = True
        for channel in self.channels.values():
            for watcher in list(channel.watchers):
                watcher()
        readers = [reader for channel in self.channels.values() for reader in channel.readers]
        batch = max(len(readers) // 20, 50)
        for start in range(0, len(readers), batch):
            for reader in readers[start : start + batch]:
                self.farewell(reader, "shutdown", 1012)
            if start + batch < len(readers):
                await asyncio.sleep(within / 20)

    def farewell(self, reader: Reader, reason: str, code: int) -> None:
        """End one reader's connection, with a randomised reconnection delay, so that readers do not all return at once."""
        if reader.state is not State.CLOSED:
            reader.channel.notices.goodbye(reader, reason, code, self.spread(200))

    def spread(self, least_ms: int) -> int:
        """A random reconnection delay within two seconds above *least_ms*."""
        return least_ms + random.randint(0, 2_000)  # noqa: S311  # spreads the readers, keeps no secret
