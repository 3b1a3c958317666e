"""The event log: one script appends to it, one rule governs reading.

The rule: a position can be continued exactly only if it is an entry of the log, was removed by a hold or cancel, or equals the
floor or the last event; and if the sequence numbers after it are dense. Anything else is a hole, which is reported to the
reader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from livefeed.cursors import BIRTH, Cursor
from livefeed.events import Event, EventType
from livefeed.exceptions import ConfigError, Unavailable
from livefeed.holes import Continuation, Hole, NoFeed, Page
from livefeed.log import scripts
from livefeed.log.appender import Appender
from livefeed.log.changes import Appended, Change, Closed, Exists, Missing, Moved, Outcome, Raced, Repeated
from livefeed.log.connect import Backend
from livefeed.log.doorbell import Entry
from livefeed.log.durability import Durability, Wait, check_reached, strongest, waits
from livefeed.log.keys import Keys

__all__ = ["EventLog", "chained"]

WAIT_TIMEOUT = 1_000
"""ms that a publish waits for its durability: a response is promised within 2 s."""

PAGE = 100
"""Entries per read: at 1 KiB each it blocks Redis for 0.1 ms, and at 64 KiB each the reader's memory stays bounded."""


class EventLog:
    """The logs of all feeds in one Redis, which has the properties *backend*."""

    def __init__(self, redis: Redis, backend: Backend, *, durability: Durability = Durability.MEMORY) -> None:
        self.redis = redis
        self.backend = backend
        self.durability = durability
        # Fails at start instead of at each publish.
        waits(durability, backend, WAIT_TIMEOUT)
        self._appender = Appender(redis)
        self._append = scripts.load("prelude", "repair", "append")
        # A kill must succeed even if Redis is out of memory: it frees some.
        self._erase = scripts.load("prelude", "repair", "append", flags="allow-oom")
        self._range = scripts.load("prelude", "range", flags="no-writes")
        self._since = scripts.load("prelude", "since", flags="no-writes")
        self._reject = scripts.load("reject")

    # -- writing

    @property
    def appending(self) -> int:
        """How many appends of this worker are under way, or done but not yet known to their callers."""
        return self._appender.calls

    async def append(self, feed: str, change: Change, durability: Durability | None = None) -> Outcome:
        """Make *change* atomically. Raises `Unavailable` if Redis could not do so with the requested durability."""
        keys = Keys(feed)
        item_id = change.item_id
        names = [keys.log, keys.feed, keys.removed, keys.rejected, keys.inbox, keys.item(item_id), keys.uri(change.uri)]
        names += [
            keys.idempotency(change.key),
            keys.timeline,
            keys.items,
            keys.desk,
            keys.due,
            keys.history(item_id),
            keys.held(item_id),
        ]
        args: list[str | bytes | int] = [keys.prefix, change.packed(), change.data]
        script = self._erase if change.erase else self._append
        commands = strongest(self.backend, WAIT_TIMEOUT) if change.erase else self._waits(durability)
        answer, waited = await self._appender.call(script, names, args, commands)
        outcome = _outcome(answer)
        if isinstance(outcome, Appended | Repeated):
            check_reached(self._level(durability), waited)
        return outcome

    async def confirm(self, feed: str, *, erased: bool = False, durability: Durability | None = None) -> None:
        """Wait for the durability of an earlier change, when it is repeated.

        WAIT refers to the connection's last write, so this makes one.
        """
        commands = strongest(self.backend, WAIT_TIMEOUT) if erased else self._waits(durability)
        if commands:
            async with self.redis.client() as connection:
                await scripts.command(connection, "HSET", Keys(feed).feed, "confirmed", 1)
                check_reached(self._level(durability), [await scripts.command(connection, *command) for command in commands])

    def _waits(self, durability: Durability | None) -> tuple[Wait, ...]:
        try:
            return waits(durability or self.durability, self.backend, WAIT_TIMEOUT)
        except ConfigError as exc:
            raise Unavailable(str(exc), retry_after=60) from exc

    def _level(self, durability: Durability | None) -> str:
        return (durability or self.durability).value

    async def reject(self, feed: str, entry_id: str, reason: str, entry: bytes) -> bool:
        """Move the inbox entry *entry_id* to the rejected ones; False when another worker has moved it."""
        keys = Keys(feed)
        return bool(await self._reject(self.redis, [keys.inbox, keys.rejected], [keys.prefix, entry_id, reason, entry]))

    # -- reading the log

    async def read(self, feed: str, after: Cursor, limit: int = PAGE) -> Continuation:
        """The events after the position *after*, or why they cannot be determined.

        A plain range that includes the position is proof in itself if it begins with the position and is dense. (An exclusive
        range could not tell a trimmed or foreign log from a quiet one.) A script decides all other cases.
        """
        keys = Keys(feed)
        try:
            entries = await scripts.command(self.redis, "XRANGE", keys.log, str(after), "+", "COUNT", limit + 1)
        except scripts.WrongTypeError:
            # The key holds something else, so the events are gone: the script reports the hole.
            entries = []
        events = _dense(feed, after, entries)
        if events is not None:
            return Page(events)
        return await self._decide(feed, keys, after, limit)

    async def _decide(self, feed: str, keys: Keys, after: Cursor, limit: int) -> Continuation:
        answer = await self._range(self.redis, [keys.log, keys.feed, keys.removed], [keys.prefix, str(after), limit])
        match answer[0]:
            case b"page":
                decoded = [_event(feed, entry[0], _pairs(entry[1])) for entry in answer[1]]
                events = tuple(event for event in decoded if event is not None)
                removed = [Cursor.of_entry(entry_id) for entry_id in answer[2]]
                # An entry that cannot be decoded is skipped like a removed one: it must not stop the feed.
                removed += [Cursor.of_entry(entry[0]) for entry, event in zip(answer[1], decoded, strict=True) if event is None]
                return Page(events, tuple(sorted(removed, key=lambda cursor: cursor.seq)))
            case b"hole":
                missed = (int(answer[2]), int(answer[3])) if len(answer) > 3 else None
                return Hole("lost" if answer[1] == b"lost" else "trimmed", missed)
            case _:
                return NoFeed(deleted=answer[0] == b"deleted")

    async def quiet(self, heads: Mapping[str, Cursor]) -> list[bool]:
        """Whether each feed's log still ends with the event given for it, in one round trip; false where that is uncertain."""
        wanted = []
        for feed, head in heads.items():
            keys = Keys(feed)
            names = (keys.log, keys.feed, keys.removed)
            wanted.append(("EVALSHA", self._range.digest, len(names), *names, keys.prefix, str(head), 1))
        answers = await scripts.commands(self.redis, wanted)
        return [answer == [b"page", [], []] for answer in answers]

    async def since(self, feed: str, ms: int) -> Cursor | Hole | NoFeed:
        """The position before the first event appended at or after the time *ms* (since the epoch)."""
        keys = Keys(feed)
        answer = await self._since(self.redis, [keys.log, keys.feed], [keys.prefix, ms])
        match answer[0]:
            case b"from":
                return Cursor.of_entry(answer[1])
            case b"hole":
                return Hole("trimmed")
            case _:
                return NoFeed(deleted=answer[0] == b"deleted")

    async def head(self, feed: str) -> Cursor | None:
        """The feed's last event; None when there is no such feed."""
        return _head(await scripts.command(self.redis, *_asking_head(feed)))

    async def heads(self, feeds: Sequence[str]) -> list[Cursor | None]:
        """The last event of each feed, `BIRTH` where there is no such feed; None where its key holds something else."""
        heads: list[Cursor | None] = []
        for answer in await scripts.commands(self.redis, [_asking_head(feed) for feed in feeds]):
            if not isinstance(answer, RedisError):
                heads.append(_head(answer) or BIRTH)
            elif isinstance(error := scripts.unavailable(answer), scripts.WrongTypeError):
                heads.append(None)
            else:
                raise error from answer
        return heads

    async def latest(self, feed: str, count: int) -> list[Event]:
        """The newest *count* events, newest first. For displays; not for following the log."""
        try:
            entries = await scripts.command(self.redis, "XREVRANGE", Keys(feed).log, "+", "-", "COUNT", count)
        except scripts.WrongTypeError:
            return []
        decoded = (_event(feed, entry_id, fields) for entry_id, fields in entries)
        return [event for event in decoded if event is not None]


def _asking_head(feed: str) -> tuple[str, ...]:
    return ("HMGET", Keys(feed).feed, "ms", "seq", "state")


def _head(values: Sequence[bytes | None]) -> Cursor | None:
    ms, seq, state = values
    if ms is None or seq is None or state == b"deleted":
        return None
    return Cursor(int(ms), int(seq))


def _pairs(flat: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=False))


def _event(feed: str, entry_id: bytes, fields: dict[bytes, bytes]) -> Event | None:
    try:
        return Event(
            cursor=Cursor.of_entry(entry_id),
            feed=feed,
            type=EventType(fields[b"t"].decode()),
            data=fields[b"d"],
            item_id=fields[b"i"].decode(),
            subject=fields[b"u"].decode(),
            tags=frozenset(fields[b"g"].decode().split("\n")) if fields[b"g"] else frozenset(),
            urgency=int(fields[b"l"]),
        )
    except (KeyError, ValueError):
        return None


def chained(feed: str, after: Cursor, entries: Sequence[Entry]) -> tuple[Event, ...] | None:
    """The events of *entries*, if they follow *after* exactly: each names the event before it. None where a link is missing."""
    events: list[Event] = []
    for entry_id, fields in entries:
        event = _event(feed, entry_id, fields)
        if event is None or fields.get(b"p") != str(after).encode() or event.cursor.seq != after.seq + 1:
            return None
        events.append(event)
        after = event.cursor
    return tuple(events)


def _dense(feed: str, after: Cursor, entries: list[Entry]) -> tuple[Event, ...] | None:
    """The events of an inclusive range; None where it does not prove by itself that nothing is missing.

    An entry at the position alone proves nothing: later entries, or the feed itself, may have been deleted.
    """
    if len(entries) < 2 or Cursor.of_entry(entries[0][0]) != after:
        return None
    events: list[Event] = []
    for number, (entry_id, fields) in enumerate(entries[1:], after.seq + 1):
        event = _event(feed, entry_id, fields)
        if event is None or event.cursor.seq != number:
            return None
        events.append(event)
    return tuple(events)


def _outcome(answer: list[Any]) -> Outcome:
    match answer[0]:
        case b"appended":
            return Appended(Cursor.of_entry(answer[1]) if answer[1] else None, foreign=int(answer[2]))
        case b"repeat":
            return Repeated(answer[1].decode(), Cursor.of_entry(answer[2]) if answer[2] else None)
        case b"exists":
            return Exists(answer[1].decode())
        case b"conflict":
            return Raced(int(answer[1]))
        case b"nofeed":
            return Missing()
        case b"closed":
            return Closed()
        case b"moved":
            return Moved()
        case _:
            raise scripts.WrongTypeError(
                f"the key {answer[1].decode()} is in use for something else; nothing was stored", retry_after=60
            )
