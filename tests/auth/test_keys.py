from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from livefeed.auth.keys import HASH, Keys
from livefeed.exceptions import Invalid
from livefeed.grants import Caller, parse_grants
from tests.auth.door import ADMIN_KEY, Clock

ADMIN = Caller("admin", parse_grants({"admin": True}), key_id="admin")
GRANTS = parse_grants({"publish": ["world"]})


async def test_a_made_key_is_its_owner(redis: Redis) -> None:
    keys = Keys(redis, ADMIN_KEY)
    key, text = await keys.make("wire desk", GRANTS, by=ADMIN)
    caller = await keys.find(text)
    assert caller is not None
    assert (caller.subject, caller.key_id, caller.grants) == ("wire desk", key.id, GRANTS)


async def test_redis_never_sees_a_key(redis: Redis) -> None:
    keys = Keys(redis, ADMIN_KEY)
    _, text = await keys.make("wire", GRANTS, by=ADMIN)
    stored = str(await redis.hgetall(HASH))
    assert text.split("_")[1] in stored
    assert text.split("_", 2)[2] not in stored


async def test_another_worker_knows_a_key_at_once_and_of_its_end_after_one_round(redis: Redis) -> None:
    here, there = Keys(redis, ADMIN_KEY), Keys(redis, ADMIN_KEY)
    await there.refresh()
    key, text = await here.make("wire", GRANTS, by=ADMIN)
    assert await there.find(text) is not None
    assert await here.revoke(key.id)
    assert await here.find(text) is None
    assert await there.refresh()
    assert not there.holds(key.id)
    assert await there.find(text) is None
    assert not await there.refresh()


async def test_a_redis_that_was_emptied_and_refilled_is_noticed(redis: Redis) -> None:
    here, there = Keys(redis, ADMIN_KEY), Keys(redis, ADMIN_KEY)
    key, _ = await here.make("old", GRANTS, by=ADMIN)
    await there.refresh()
    await redis.flushall()
    await here.make("new", GRANTS, by=ADMIN)
    await there.refresh()
    assert not there.holds(key.id)
    assert [key.name for key in await there.list()] == ["new"]


async def test_revoking_gets_through_when_redis_is_full(redis: Redis) -> None:
    keys = Keys(redis, ADMIN_KEY)
    key, text = await keys.make("wire", GRANTS, by=ADMIN)
    await redis.config_set("maxmemory", "1")
    try:
        assert await keys.revoke(key.id)
    finally:
        await redis.config_set("maxmemory", "0")
    assert await keys.find(text) is None


async def test_a_key_that_expires_counts_no_more(redis: Redis) -> None:
    clock = Clock()
    keys = Keys(redis, ADMIN_KEY, clock=clock)
    key, text = await keys.make("stringer", GRANTS, by=ADMIN, expires=clock() + 60)
    caller = await keys.find(text)
    assert caller is not None
    assert caller.expires == clock() + 60
    clock.now += 60
    assert await keys.find(text) is None
    assert not keys.holds(key.id)


@pytest.mark.parametrize("change", ["prefix", "suffix", "last letter", "other id", "case", "longer", "not ascii"])
async def test_what_is_almost_a_key_is_none(redis: Redis, change: str) -> None:
    keys = Keys(redis, ADMIN_KEY)
    _, text = await keys.make("wire", GRANTS, by=ADMIN)
    near = {
        "prefix": text[:-1],
        "suffix": text[1:],
        "last letter": text[:-1] + ("A" if text[-1] != "A" else "B"),
        "other id": "lfk_aaaaaaaaaa" + text[14:],
        "case": text.swapcase(),
        "longer": text + "A",
        "not ascii": text[:-1] + "\u00e9",
    }
    assert await keys.find(near[change]) is None


@pytest.mark.parametrize("shown", ["", ADMIN_KEY[:-1], ADMIN_KEY + "x", ADMIN_KEY.upper(), "\u00e9" * 40, "generation", "*"])
async def test_what_is_almost_the_admin_key_is_none(redis: Redis, shown: str) -> None:
    assert await Keys(redis, ADMIN_KEY).find(shown) is None


async def test_made_up_ids_do_not_become_questions_without_end(redis: Redis) -> None:
    keys = Keys(redis, ADMIN_KEY)
    before = (await redis.info("commandstats")).get("cmdstat_hget", {"calls": 0})["calls"]
    for number in range(2_000):
        letters = "".join("abcdefghijklmnopqrstuvwxyz234567"[number >> shift & 31] for shift in (0, 5, 10))
        assert await keys.find(f"lfk_aaaaaaa{letters}_{'A' * 43}") is None
    after = (await redis.info("commandstats"))["cmdstat_hget"]["calls"]
    assert after - before < 500


@pytest.mark.parametrize("name", ["", " ", "-x", "x" * 65, "a\nb", "a\x00", "<b>", "_", "a\u2028"])
async def test_names_that_would_spoil_a_log_line_are_refused(redis: Redis, name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        await Keys(redis, ADMIN_KEY).make(name, GRANTS, by=ADMIN)


async def test_a_key_that_may_do_nothing_or_has_expired_is_refused(redis: Redis) -> None:
    keys = Keys(redis, ADMIN_KEY)
    with pytest.raises(Invalid, match="grant"):
        await keys.make("nothing", {}, by=ADMIN)
    with pytest.raises(Invalid, match="future"):
        await keys.make("late", GRANTS, by=ADMIN, expires=1.0)


@pytest.mark.parametrize("key_id", ["generation", "jwt:aa:bb", "", "nobody", "*"])
async def test_only_keys_can_be_revoked_as_keys(redis: Redis, key_id: str) -> None:
    keys = Keys(redis, ADMIN_KEY)
    await keys.make("wire", GRANTS, by=ADMIN)
    await keys.deny("jwt:aa:bb", 1e12)
    assert not await keys.revoke(key_id)
    assert len(await keys.list()) == 1


async def test_denied_tokens_are_forgotten_after_they_expired(redis: Redis) -> None:
    clock = Clock()
    keys = Keys(redis, ADMIN_KEY, clock=clock)
    await keys.deny("jwt:a:1", clock() + 10)
    clock.now += 20
    await keys.deny("jwt:a:2", clock() + 10)
    other = Keys(redis, ADMIN_KEY, clock=clock)
    await other.refresh()
    assert not other.is_denied("jwt:a:1")
    assert other.is_denied("jwt:a:2")


async def test_keys_made_at_once_are_all_kept(redis: Redis) -> None:
    keys = Keys(redis, ADMIN_KEY)
    made = await asyncio.gather(*(keys.make(f"key {n}", GRANTS, by=ADMIN) for n in range(20)))
    assert len({key.id for key, _ in made}) == len(await Keys(redis, ADMIN_KEY).list()) == 20


async def test_a_key_that_was_asked_for_alone_is_looked_at_again(redis: Redis) -> None:
    """The answer may be older than the last round, in which a revocation was heard."""
    elsewhere, here = Keys(redis, ADMIN_KEY), Keys(redis, ADMIN_KEY)
    await elsewhere.make("first", GRANTS, by=ADMIN)
    key, text = await elsewhere.make("wire", GRANTS, by=ADMIN)
    assert await here.find(text) is not None
    await redis.hdel("livefeed:keys", key.id)  # without a new generation, as if that had been heard
    await here.refresh()
    assert await here.find(text) is None


async def test_of_tokens_denied_at_once_each_is(redis: Redis) -> None:
    clock = Clock()
    keys = Keys(redis, ADMIN_KEY, clock=clock)
    for n in range(5):
        await keys.deny(f"jwt:a:old{n}", clock() + 1)
    clock.now += 10
    await asyncio.gather(*(keys.deny(f"jwt:a:{n}", clock() + 10) for n in range(5)), keys.refresh())
    await keys.refresh()
    assert [keys.is_denied(f"jwt:a:{n}") for n in range(5)] == [True] * 5
