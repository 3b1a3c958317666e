"""Rosters on a real Redis: who reported lately, and who is forgotten."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from livefeed.exceptions import Unavailable
from livefeed.log.roster import Roster
from tests.waiting import until

NAME = "livefeed:{world}:desks"


def told(entries: object) -> list[tuple[str, bytes]]:
    assert isinstance(entries, list)
    return [(entry.member, entry.report) for entry in entries]


async def test_a_report_is_answered_with_all_that_are_there(redis: Redis) -> None:
    roster = Roster(redis, keep=60, most=10)
    assert told(await roster.report(NAME, "b", b"1")) == [("b", b"1")]
    assert told(await roster.report(NAME, "a", b"2")) == [("a", b"2"), ("b", b"1")]
    assert told(await roster.report(NAME, "b", b"3")) == [("a", b"2"), ("b", b"3")]
    assert told(await roster.read(NAME)) == [("a", b"2"), ("b", b"3")]


async def test_age_is_told_by_the_clock_of_redis(redis: Redis) -> None:
    roster = Roster(redis, keep=60, most=10)
    await roster.report(NAME, "a", b"1")
    [entry] = await roster.read(NAME)
    assert 0 <= entry.age < 60_000


async def test_who_leaves_is_gone_at_once(redis: Redis) -> None:
    roster = Roster(redis, keep=60, most=10)
    await roster.report(NAME, "a", b"1")
    await roster.leave(NAME, "a")
    await roster.leave(NAME, "nobody")
    assert await roster.read(NAME) == []


async def test_who_is_silent_is_forgotten(redis: Redis) -> None:
    """By its own age, however often others report; and with the last of them the key goes."""
    roster = Roster(redis, keep=0.05, most=10)
    await roster.report(NAME, "a", b"1")

    async def forgotten() -> bool:
        return told(await roster.report(NAME, "b", b"2")) == [("b", b"2")]

    await until(forgotten)
    await until(lambda: _gone(redis))


async def _gone(redis: Redis) -> bool:
    return not await redis.exists(NAME)


async def test_a_full_roster_takes_nobody_new(redis: Redis) -> None:
    roster = Roster(redis, keep=60, most=2)
    for member in ("a", "b"):
        await roster.report(NAME, member, b"1")
    with pytest.raises(Unavailable, match="2 others have reported"):
        await roster.report(NAME, "c", b"1")
    assert told(await roster.report(NAME, "a", b"2")) == [("a", b"2"), ("b", b"1")]


async def test_a_roster_that_cannot_be_reached_is_told() -> None:
    with pytest.raises(Unavailable):
        await Roster(Redis.from_url("unix:///nowhere.sock"), keep=60, most=2).read(NAME)
