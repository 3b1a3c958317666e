"""Durability: which failures an acknowledged publish survives."""

from __future__ import annotations

from enum import StrEnum

from livefeed.exceptions import ConfigError, Unavailable
from livefeed.log.connect import Backend

__all__ = ["Durability", "Wait", "check_reached", "strongest", "waits"]

Wait = tuple[str | int, ...]


class Durability(StrEnum):
    """*memory*: lost if Redis crashes. *aof*: in the append-only file, on disk. *replica*: also on a replica."""

    MEMORY = "memory"
    AOF = "aof"
    REPLICA = "replica"


def waits(level: Durability, backend: Backend, timeout: int) -> tuple[Wait, ...]:
    """The commands whose reply must be 1 or more, sent after the append on the same connection; *timeout* is in ms.

    Raises `ConfigError` if this Redis does not support *level*.
    """
    match level:
        case Durability.MEMORY:
            return ()
        case Durability.AOF:
            if not backend.append_only:
                raise ConfigError("durability 'aof' requires a Redis with 'appendonly yes'")
            if backend.syncs_always:
                # With appendfsync=always Redis replies after the write is on disk.
                return ()
            if not backend.waits_for_disk:
                raise ConfigError(f"durability 'aof' requires WAITAOF (Redis 7.2) or 'appendfsync always'; this is {backend}")
            return (("WAITAOF", 1, 0, timeout),)
        case Durability.REPLICA:
            return (("WAIT", 1, timeout),)


def strongest(backend: Backend, timeout: int) -> tuple[Wait, ...]:
    """The waits for a hold or cancel, as strong as possible: a failover or crash that loses it would bring the text back."""
    commands: list[Wait] = []
    if backend.append_only and (backend.waits_for_disk or backend.syncs_always):
        commands += waits(Durability.AOF, backend, timeout)
    if backend.replicas:
        commands += waits(Durability.REPLICA, backend, timeout)
    return tuple(commands)


def check_reached(level: str, answers: list[object]) -> None:
    """Raise `Unavailable` when the reply to a WAIT or WAITAOF was too low."""
    for answer in answers:
        reached = answer[0] if isinstance(answer, list) else answer
        if isinstance(reached, Exception) or not isinstance(reached, int) or reached < 1:
            raise Unavailable(
                f"the change is in Redis, but durability {level!r} was not reached in time: "
                "it is safe to repeat, and the repeat waits again",
                retry_after=2,
            )
