"""The client: redis-py's, but single commands share one line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from redis.asyncio import Redis

from livefeed.log.line import Line

__all__ = ["Client"]


class Client(Redis):
    """Pipelines, and clients of one connection, have connections from the pool."""

    _line: Line | None = None
    _opening: asyncio.Task[Line] | None = None
    _readers: dict[str, Callable[[Any], Any]] | None = None

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        if options or self.single_connection_client:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        line = self._line
        if line is None or not line.usable:
            line = await self._reach()
        name = args[0]
        answer = await line.send(*(args if " " not in name else (*name.split(), *args[1:])))
        if self._readers is None:
            # redis-py's own mapping folds the case of each name that it is asked for.
            self._readers = cast("dict[str, Callable[[Any], Any]]", dict(self.response_callbacks))
        read = self._readers.get(name)
        return answer if read is None else read(answer)

    async def execute_commands(self, commands: Iterable[Sequence[str | bytes | int]]) -> list[Any]:
        """The answers as they come over a line, errors among them, to commands that are sent together."""
        line = self._line
        if line is None or not line.usable:
            line = await self._reach()
        return await asyncio.gather(*(line.send(*command) for command in commands), return_exceptions=True)

    async def line(self) -> Line:
        """A new line, which its caller closes."""
        pool = self.connection_pool
        return await Line.over(
            pool.make_connection(),  # type: ignore[no-untyped-call]
            pool.connection_kwargs["socket_timeout"],
        )

    async def _reach(self) -> Line:
        if self._opening is None:
            self._opening = asyncio.ensure_future(self.line())
            self._opening.add_done_callback(self._opened)
        # Shielded: others wait for it, too.
        return await asyncio.shield(self._opening)

    def _opened(self, opening: asyncio.Task[Line]) -> None:
        self._opening = None
        if not opening.cancelled() and opening.exception() is None:
            self._line = opening.result()

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        if self._opening is not None:
            self._opening.cancel()
        if self._line is not None:
            self._line.close()
            self._line = None
        await super().aclose(close_connection_pool)
