"""A reader's end of a live stream: connects, watches for silence, comes back where it was."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import Self

import httpx2

from livefeed.client.answers import error_from
from livefeed.client.backoff import Backoff
from livefeed.client.position import Position
from livefeed.client.types import FeedEvent
from livefeed.eventstream import EventStreamParser, EventTooLarge
from livefeed.exceptions import TooManyRequests, Unavailable

__all__ = ["FeedReader", "Lost"]

_log = logging.getLogger("livefeed.client")

Lost = Callable[[str, float], None]
"""Told of each lost connection: why, and in how many seconds the next attempt follows."""


class _Disconnected(Exception):
    def __init__(self, reason: str, *, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait
        """Seconds, where the server said when to come back."""


class FeedReader:
    """The events of one feed, in order, each once, for as long as you ask for them.

    It is an async iterator, and an async context manager for those who stop before the end that never comes. Connections are
    its own business; what a request cannot mend (no such feed, not allowed, a bad parameter) is raised.
    """

    def __init__(
        self, http: httpx2.AsyncClient, path: str, position: Position, *, backoff: Backoff, on_lost: Lost | None = None
    ) -> None:
        self._http = http
        self._path = path
        self._position = position
        self._backoff = backoff
        self._on_lost = on_lost
        self._events = self._run()

    @property
    def cursor(self) -> str | None:
        """The position after the last event that was handed over: keep it, to go on behind it with `after=` another day."""
        return self._position.cursor

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FeedEvent:
        return await anext(self._events)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Hang up."""
        await self._events.aclose()

    async def _run(self) -> AsyncGenerator[FeedEvent, None]:
        while True:
            try:
                async with contextlib.aclosing(self._connection()) as connection:
                    async for event in connection:
                        yield event
            except _Disconnected as lost:
                await self._pause(str(lost), lost.wait)

    async def _pause(self, reason: str, wait: float | None) -> None:
        if self._position.greeted:
            self._backoff.reset()
        # The server's word is the least wait; while it keeps sending us away, ours grows above it.
        seconds = max(self._backoff.next(), wait or 0.0)
        _log.info("%s: %s; next attempt in %.1f s", self._path, reason, seconds)
        if self._on_lost is not None:
            self._on_lost(reason, seconds)
        await asyncio.sleep(seconds)

    async def _connection(self) -> AsyncGenerator[FeedEvent, None]:
        """The events of one connection, which always ends in `_Disconnected`."""
        position = self._position
        query, headers = position.connect()
        request = self._http.build_request("GET", self._path, params=query, headers=headers)
        # Silence is watched here and not by the client's own read timeout, since the hello may change what counts as silence.
        request.extensions["timeout"] = httpx2.Timeout(10.0, read=None).as_dict()
        try:
            async with asyncio.timeout(position.patience):
                response = await self._http.send(request, stream=True)
            try:
                await self._check(response)
                parser = EventStreamParser(last_event_id=position.cursor or "")
                async with contextlib.aclosing(response.aiter_bytes()) as chunks:
                    while position.farewell is None and (chunk := await self._next(chunks)):
                        for sse in parser.feed(chunk):
                            if (event := position.receive(sse)) is not None:
                                position.advance(event)
                                yield event
            finally:
                await response.aclose()
        except TimeoutError as error:
            raise _Disconnected(f"nothing was heard for {position.patience:g} s") from error
        except (httpx2.RequestError, EventTooLarge, ValueError) as error:
            raise _Disconnected(str(error) or type(error).__name__) from error
        wait = None if position.retry_ms is None else position.retry_ms / 1000
        raise _Disconnected(position.farewell or "the server ended the stream", wait=wait)

    async def _next(self, chunks: AsyncGenerator[bytes, None]) -> bytes:
        async with asyncio.timeout(self._position.patience):
            return await anext(chunks, b"")

    async def _check(self, response: httpx2.Response) -> None:
        if response.status_code == 200 and response.headers.get("content-type", "").startswith("text/event-stream"):
            return
        if response.status_code == 200:
            raise _Disconnected(f"{response.url} answered with {response.headers.get('content-type', 'no type')}, not a stream")
        await response.aread()
        error = error_from(response)
        if isinstance(error, TooManyRequests | Unavailable):
            raise _Disconnected(str(error), wait=float(error.retry_after) if "retry-after" in response.headers else None)
        raise error
