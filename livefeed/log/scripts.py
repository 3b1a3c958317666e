"""Server-side Lua scripts and the translation of Redis errors."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from importlib import resources
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,  # noqa: A004  # redis-py's name
    MaxConnectionsError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004  # redis-py's name
)

from livefeed.exceptions import Unavailable
from livefeed.log.client import Client

__all__ = ["Script", "WrongTypeError", "command", "commands", "load", "unavailable"]


async def command(redis: Redis, *args: str | bytes | int | float) -> Any:
    """Send one command, without retries. Raises `Unavailable`; `WrongTypeError` if the key holds another type."""
    try:
        return await redis.execute_command(*args)  # type: ignore[no-untyped-call]
    except ResponseError as exc:
        if str(exc).startswith("WRONGTYPE"):
            raise WrongTypeError(f"the key {args[1]!r} is in use for something else", retry_after=60) from exc
        raise unavailable(exc) from exc
    except RedisError as exc:
        raise unavailable(exc) from exc


async def commands(redis: Redis, wanted: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
    """Send all of *wanted* at once, without retries. Where Redis answered with an error, that is among the answers.

    Raises `Unavailable` if it did not answer.
    """
    try:
        if isinstance(redis, Client):
            # A pipeline of redis-py's takes more than twice as long.
            answers = await redis.execute_commands(wanted)
        else:
            pipeline = redis.pipeline(transaction=False)
            for command in wanted:
                pipeline.execute_command(*command)
            answers = await pipeline.execute(raise_on_error=False)
        for answer in answers:
            if isinstance(answer, ConnectionError | TimeoutError):
                raise answer
    except RedisError as exc:
        raise unavailable(exc) from exc
    return answers


class WrongTypeError(Unavailable):
    """One of our keys holds a value of another type."""


class Script:
    """A script that is called by its digest, and sent again if Redis does not have it."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        # Redis names scripts by SHA-1.
        self.digest = sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, redis: Redis, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """Raises `Unavailable`; the script may have been executed nevertheless."""
        rest = (len(keys), *keys, *args)
        try:
            try:
                return await redis.execute_command("EVALSHA", self.digest, *rest)  # type: ignore[no-untyped-call]
            except NoScriptError:
                return await redis.execute_command("EVAL", self.text, *rest)  # type: ignore[no-untyped-call]
        except RedisError as exc:
            raise unavailable(exc) from exc


def load(*names: str, flags: str = "") -> Script:
    """The concatenation of the named files as one script, with Redis' script *flags*."""
    folder = resources.files(__package__)
    parts = [f"#!lua flags={flags}" if flags else "#!lua"]
    parts += [(folder / f"{name}.lua").read_text(encoding="utf-8") for name in names]
    return Script("\n".join(parts))


def unavailable(error: RedisError) -> Unavailable:
    """The exception for *error*. The command may or may not have been executed."""
    match error:
        case OutOfMemoryError():
            return Unavailable("Redis is out of memory and accepts no new items; nothing was stored", retry_after=5)
        case ReadOnlyError():
            return Unavailable("this Redis is currently a replica and accepts no writes", retry_after=2)
        case BusyLoadingError():
            return Unavailable("Redis is still loading its data", retry_after=2)
        case MaxConnectionsError():
            return Unavailable("all connections to Redis are in use", retry_after=1)
        case TimeoutError():
            return Unavailable("Redis did not answer in time; it is safe to repeat the request", retry_after=2)
        case ConnectionError():
            return Unavailable("Redis cannot be reached; it is safe to repeat the request", retry_after=2)
        case ResponseError() if str(error).startswith("WRONGTYPE"):
            return WrongTypeError("a key of this feed is in use for something else", retry_after=60)
        case _:
            return Unavailable(f"Redis refused: {error}", retry_after=5)
