"""The appender: makes the calls of scripts that write, in the order in which they were made.

Calls whose durability has to be waited for are pipelined, all of one turn of the event loop, and wait together: a batch, and
many single publishes at once, cost one wait per turn instead of one each. Each call is still atomic by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from livefeed.exceptions import Unavailable
from livefeed.log import scripts
from livefeed.log.client import Client
from livefeed.log.durability import Wait

__all__ = ["Appender"]

MOST = 200
"""Calls in one round trip: at 0.1 ms each they block Redis for 20 ms."""

Arguments = Sequence[str | bytes | int]


class _Call:
    __slots__ = ("arguments", "done", "keys", "script")

    def __init__(self, script: scripts.Script, keys: Sequence[str], arguments: Arguments) -> None:
        self.script = script
        self.keys = keys
        self.arguments = arguments
        self.done: asyncio.Future[tuple[Any, list[object]]] = asyncio.get_running_loop().create_future()


class Appender:
    """Calls scripts that write. *redis* must not retry commands."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.calls = 0
        """How many are under way."""
        self._waiting: dict[tuple[Wait, ...], list[_Call]] = {}

    async def call(
        self, script: scripts.Script, keys: Sequence[str], arguments: Arguments, waits: tuple[Wait, ...]
    ) -> tuple[Any, list[object]]:
        """The results of the script and of *waits*, sent after it on the same connection. Raises `Unavailable`."""
        self.calls += 1
        try:
            if not waits and isinstance(self.redis, Client):
                # Its line needs no pipeline: all that is written in one turn goes out together.
                return await script(self.redis, keys, arguments), []
            call = _Call(script, keys, arguments)
            waiting = self._waiting.get(waits)
            if waiting is not None:
                waiting.append(call)
                if len(waiting) == MOST:
                    del self._waiting[waits]
            else:
                # The first call of a turn sends all calls made before the next turn.
                self._waiting[waits] = calls = [call]
                await self._lead(waits, calls)
            return await call.done
        finally:
            self.calls -= 1

    async def _lead(self, waits: tuple[Wait, ...], calls: list[_Call]) -> None:
        try:
            try:
                await asyncio.sleep(0)
            finally:
                # Also when this call is cancelled here: later calls would join a list that nobody sends.
                if self._waiting.get(waits) is calls:
                    del self._waiting[waits]
            await self._send(waits, calls)
        finally:
            for call in calls:
                # The sending call may be cancelled; the others must not wait for ever.
                if not call.done.done():
                    call.done.set_exception(Unavailable("the request was interrupted; it is safe to repeat it"))
                    call.done.exception()

    async def _send(self, waits: tuple[Wait, ...], calls: list[_Call]) -> None:
        # Who waits for a level must not find out after the wait that Redis has forgotten the script: there is no time for two.
        if forgotten := await self._try(waits, calls, whole=bool(waits)):
            await self._try(waits, forgotten, whole=True)

    async def _try(self, waits: tuple[Wait, ...], calls: list[_Call], *, whole: bool) -> list[_Call]:
        """Send *calls*, each script *whole* once or by its digest only; those whose scripts Redis has forgotten."""
        commands: list[tuple[Any, ...]] = []
        given: set[str] = set()
        for call in calls:
            script = call.script
            name = ("EVAL", script.text) if whole and script.digest not in given else ("EVALSHA", script.digest)
            given.add(script.digest)
            commands.append((*name, len(call.keys), *call.keys, *call.arguments))
        commands += waits
        try:
            answers = await self._answers(commands)
        except RedisError as exc:
            answers = [exc] * len(calls)
        waited: list[object] = answers[len(calls) :]
        forgotten = []
        for call, answer in zip(calls, answers, strict=False):
            if isinstance(answer, NoScriptError):
                forgotten.append(call)
            else:
                self._settle(call, answer, waited)
        return forgotten

    async def _answers(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        pipeline = self.redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers

    @staticmethod
    def _settle(call: _Call, answer: Any, waited: list[object]) -> None:
        if call.done.done():
            return
        if isinstance(answer, RedisError):
            call.done.set_exception(scripts.unavailable(answer))
            # The caller may be gone.
            call.done.exception()
        else:
            call.done.set_result((answer, waited))
