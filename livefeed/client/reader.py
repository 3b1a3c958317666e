"""A live stream as an async iterator that reconnects and resumes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httpx2

from livefeed.client.answers import error_from
from livefeed.client.backoff import Backoff
from livefeed.client.position import Position
from livefeed.client.types import FeedEvent
from livefeed.eventstream import EventStreamParser, EventTooLarge, ServerSentEvent
from livefeed.exceptions import TooManyRequests, Unavailable

__all__ = ["FeedReader", "Lost"]

_log = logging.getLogger("livefeed.client")

Lost = Callable[[str, float], None]
"""Called when a connection is lost, with the reason and the seconds until the next attempt."""


class _Disconnected(Exception):
    def __init__(self, reason: str, *, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait
        """Seconds, where the server said when to come back."""


class FeedReader:
    """The events of one feed, in order, each exactly once. The iteration does not end by itself.

    It is an async iterator, and an async context manager that closes the connection. Lost connections are re-established; errors
    that a retry cannot fix (no such feed, not allowed, a bad parameter) are raised. `anext` can be cancelled, for example by a
    timeout, and called again without losing an event.
    """

    def __init__(
        self, http: httpx2.AsyncClient, path: str, position: Position, *, backoff: Backoff, on_lost: Lost | None = None
    ) -> None:
        self._http = http
        self._path = path
        self._position = position
        self._backoff = backoff
        self._on_lost = on_lost
        self._connection: _Connection | None = None
        # Events are parsed only when they are handed over, so that the position cannot be ahead of the reader.
        self._received: deque[ServerSentEvent] = deque()
        self._closed = False

    @property
    def cursor(self) -> str | None:
        """The cursor of the last event that was handed over. Store it to resume later with `after=`."""
        return self._position.cursor

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FeedEvent:
        while not self._closed:
            try:
                while self._received:
                    if (event := self._position.receive(self._received.popleft())) is not None:
                        self._position.advance(event)
                        return event
                await self._receive()
            except (httpx2.RequestError, EventTooLarge, ValueError) as error:
                await self._pause(str(error) or type(error).__name__)
            except _Disconnected as lost:
                await self._pause(str(lost), lost.wait)
            except BaseException:
                await self._hang_up()
                raise
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection. A pending `anext` raises `StopAsyncIteration`."""
        self._closed = True
        await self._hang_up()

    async def _receive(self) -> None:
        """The next events; raises when the connection is lost."""
        position = self._position
        if position.farewell is not None and self._connection is not None:
            raise _Disconnected(position.farewell, wait=None if position.retry_ms is None else position.retry_ms / 1000)
        try:
            async with asyncio.timeout(position.patience):
                if self._connection is None:
                    self._connection = await self._connect()
                self._received.extend(await self._connection.receive())
        except TimeoutError:
            raise _Disconnected(f"nothing was heard for {position.patience:g} s") from None

    async def _connect(self) -> _Connection:
        query, headers = self._position.connect()
        request = self._http.build_request("GET", self._path, params=query, headers=headers)
        # The HTTP client's read timeout cannot be used, because hello may change the heartbeat interval.
        request.extensions["timeout"] = httpx2.Timeout(10.0, read=None).as_dict()
        response = await self._http.send(request, stream=True)
        try:
            await _check(response)
        except BaseException:
            await response.aclose()
            raise
        return _Connection(response, EventStreamParser(last_event_id=self._position.cursor or ""))

    async def _pause(self, reason: str, wait: float | None = None) -> None:
        self._received.clear()
        await self._hang_up()
        if self._closed:
            return
        if self._position.greeted:
            self._backoff.reset()
        # The server's wait is the minimum; the backoff grows above it while connecting keeps failing.
        seconds = max(self._backoff.next(), wait or 0.0)
        _log.info("%s: %s; next attempt in %.1f s", self._path, reason, seconds)
        if self._on_lost is not None:
            self._on_lost(reason, seconds)
        await asyncio.sleep(seconds)

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()


class _Connection:
    """One response that is a stream."""

    def __init__(self, response: httpx2.Response, parser: EventStreamParser) -> None:
        self._response = response
        self._chunks = response.aiter_bytes()
        self._parser = parser

    async def receive(self) -> list[ServerSentEvent]:
        chunk = await anext(self._chunks, b"")
        if not chunk:
            raise _Disconnected("the server ended the stream")
        return self._parser.feed(chunk)

    async def aclose(self) -> None:
        with contextlib.suppress(RuntimeError):  # somebody is reading: closing the response ends that
            await self._chunks.aclose()
        await self._response.aclose()


async def _check(response: httpx2.Response) -> None:
    kind = response.headers.get("content-type", "no type")
    if response.status_code == 200 and kind.startswith("text/event-stream"):
        return
    if response.status_code == 200:
        raise _Disconnected(f"{response.url} answered with {kind}, not with a stream")
    await response.aread()
    error = error_from(response)
    if isinstance(error, TooManyRequests | Unavailable):
        raise _Disconnected(str(error), wait=float(error.retry_after) if "retry-after" in response.headers else None)
    raise error
