"""A line to Redis: one connection, on which commands are written as they come and answered in their order.

redis-py lends a connection to one command at a time, through a pool with locks, two timeouts and a stream. That was a third of
what a publish cost. Here a command is one write and one future.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Self, cast

import hiredis
from redis.asyncio.connection import AbstractConnection, DefaultParser
from redis.exceptions import (
    ConnectionError,  # noqa: A004  # redis-py's name
    InvalidResponse,
    ReadOnlyError,
    RedisError,
    TimeoutError,  # noqa: A004  # redis-py's name
)

__all__ = ["Line"]

_MORE = object()


class Line(asyncio.Protocol):
    """Commands over *connection*, each of which is answered within *timeout* seconds or fails.

    No command is repeated. One whose caller is cancelled is still carried out, and its answer is dropped.
    """

    def __init__(self, connection: AbstractConnection, transport: asyncio.WriteTransport, timeout: float) -> None:
        self.usable = True
        """Whether it takes further commands."""
        self._connection = connection
        self._transport = transport
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._parser = hiredis.Reader(protocolError=InvalidResponse, replyError=DefaultParser.parse_error, notEnoughData=_MORE)

    @classmethod
    async def over(cls, connection: AbstractConnection, timeout: float) -> Self:
        """Connect *connection* and sign in, as redis-py does it for every kind of server, then take it over."""
        await connection.connect()  # type: ignore[no-untyped-call]
        writer = connection._writer
        if writer is None or writer.is_closing():
            raise ConnectionError("the connection was closed at once")
        line = cls(connection, writer.transport, timeout)
        writer.transport.set_protocol(line)
        return line

    def send(self, *command: str | bytes | int | float) -> asyncio.Future[Any]:
        """The answer to *command*, which is written behind those that wait."""
        answer = self._loop.create_future()
        if not self.usable:
            answer.set_exception(ConnectionError("the connection is closed"))
            return answer
        self._transport.write(hiredis.pack_command(cast("tuple[str]", command)))
        self._waiting.append((answer, self._loop.time() + self._timeout))
        if self._timer is None:
            # One timer for all: an answer takes a fraction of a millisecond, and to set and stop a timer costs as much as it.
            self._timer = self._loop.call_later(self._timeout, self._check_time)
        return answer

    def close(self) -> None:
        self._end(ConnectionError("the connection was closed"))
        self._transport.abort()

    # The connection.

    def data_received(self, data: bytes) -> None:
        self._parser.feed(data)
        try:
            while (reply := self._parser.gets()) is not _MORE:
                self._answer(reply)
        except (RedisError, IndexError) as exc:
            # Not what Redis speaks, or more answers than commands: which belongs to which is uncertain from here on.
            self._end(ConnectionError(f"the answer is not in Redis' protocol: {exc}"))
            self._transport.abort()
        if not self.usable and not self._waiting:
            self.close()

    def _answer(self, reply: Any) -> None:
        if isinstance(reply, hiredis.PushNotification):
            return
        answer, _ = self._waiting.popleft()
        if isinstance(reply, ReadOnlyError):
            # It was demoted: the next command asks anew where the primary is.
            self.usable = False
        if answer.done():
            return
        if isinstance(reply, RedisError):
            answer.set_exception(reply)
        else:
            answer.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(ConnectionError("the connection was closed by Redis" if exc is None else f"the connection was lost: {exc}"))

    def _end(self, reason: ConnectionError) -> None:
        self.usable = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            answer, _ = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(reason)
        # redis-py complains about a connection that is dropped open.
        self._connection._close()  # type: ignore[no-untyped-call]

    def _check_time(self) -> None:
        """Fail what is out of time. Its answer may still come, so it keeps its place, and later commands take another line."""
        self._timer = None
        now = self._loop.time()
        for answer, due in self._waiting:
            if due > now:
                self._timer = self._loop.call_at(due, self._check_time)
                return
            self.usable = False
            if not answer.done():
                answer.set_exception(TimeoutError("Redis did not answer in time"))
        if not self.usable:
            self.close()
