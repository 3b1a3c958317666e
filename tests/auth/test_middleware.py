from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from livefeed.auth.vouchers import Vouchers
from livefeed.grants import Caller, Role, parse_grants
from tests.auth.door import ADMIN_KEY, Door
from tests.auth.test_tokens import GOOD, forge

READER = Caller("reader", parse_grants({"read": ["*"]}), key_id="k")
WHOAMI = "/v1/feeds/world/whoami"
TOKEN = forge({"alg": "HS256"}, GOOD)


async def status(door: Door, path: str = WHOAMI, **headers: str) -> int:
    async with door.client(**headers) as client:
        return (await client.get(path)).status_code


async def test_who_shows_nothing_is_anonymous(door: Door) -> None:
    async with door.client() as client:
        assert (await client.get(WHOAMI)).json()["subject"] == ""


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_key_or_token_says_who_it_is(door: Door, scheme: str) -> None:
    async with door.client() as client:
        for credential, subject in ((ADMIN_KEY, "admin"), (TOKEN, "ada")):
            answer = await client.get(WHOAMI, headers={"authorization": f"{scheme} {credential}"})
            assert answer.json()["subject"] == subject


BAD_CREDENTIALS = {
    "unknown": "Bearer nobody",
    "empty": "Bearer ",
    "no scheme": ADMIN_KEY,
    "basic": f"Basic {ADMIN_KEY}",
    "digest": "Digest username=x",
    "prefix of the key": f"Bearer {ADMIN_KEY[:-1]}",
    "key and more": f"Bearer {ADMIN_KEY}x",
    "two keys": f"Bearer {ADMIN_KEY} {ADMIN_KEY}",
    "latin-1": "Bearer \u00e9\u00e8\u00ea" * 12,
    "a megabyte": "Bearer " + "x" * 1_000_000,
    "a token of a megabyte": "Bearer eyJ" + "x" * 1_000_000 + ".e30.x",
    "tab": f"Bearer\t{ADMIN_KEY}",
    "no signature": "Bearer " + TOKEN.rpartition(".")[0] + ".",
}


@pytest.mark.parametrize("case", BAD_CREDENTIALS)
async def test_a_bad_credential_is_401(door: Door, case: str) -> None:
    async with door.client() as client:
        answer = await client.get(WHOAMI, headers=[(b"authorization", BAD_CREDENTIALS[case].encode("latin-1"))])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 401
    assert ADMIN_KEY[:-1] not in answer.text


async def test_two_credentials_are_none(door: Door) -> None:
    async with door.client() as client:
        pair = [("authorization", f"Bearer {ADMIN_KEY}"), ("authorization", "Bearer x")]
        assert (await client.get(WHOAMI, headers=pair)).status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        f"token={ADMIN_KEY}",
        "access_token=x",
        "TOKEN=x",
        "key=",
        "api_key=x",
        "jwt=x",
        "authorization=Bearer+x",
        "q=Bearer+" + TOKEN,
        f"q={TOKEN}",
        "q=lfk_aaaaaaaaaa_" + "A" * 43,
        "%74oken=x",
        f"ticket={'A' * 43}",
        "limit=1&token=x",
    ],
)
async def test_credentials_in_the_address_are_400(door: Door, query: str) -> None:
    async with door.client() as client:
        answer = await client.get(f"{WHOAMI}?{query}")
    assert answer.status_code == 400
    assert ADMIN_KEY not in answer.text
    assert TOKEN not in answer.text


@pytest.mark.parametrize("path", [f"/v1/feeds/{TOKEN}/whoami", "/read/lfk_aaaaaaaaaa_" + "A" * 43])
async def test_credentials_in_the_path_are_400(door: Door, path: str) -> None:
    assert await status(door, path) == 400


@pytest.mark.parametrize("query", ["q=token", "tag=key", "q=eyJ", "after=1-1", "uri=urn:key:1", "q=" + quote("a.b.c")])
async def test_words_that_only_sound_like_it_pass(door: Door, query: str) -> None:
    assert await status(door, f"{WHOAMI}?{query}") == 200


async def test_a_query_made_to_be_slow_is_not(door: Door) -> None:
    assert await status(door, f"{WHOAMI}?q={'eyJ' * 20_000}") == 200


async def test_a_ticket_lets_one_websocket_in_once(door: Door) -> None:
    async with door.admin() as client:
        ticket = (await client.post("/v1/tickets")).json()["ticket"]
    assert await door.handshake(query=f"ticket={ticket}") == (101, {"subject": "admin"})
    assert (await door.handshake(query=f"ticket={ticket}"))[0] == 401


async def test_of_many_who_show_one_ticket_one_gets_in(door: Door) -> None:
    async with door.admin() as client:
        ticket = (await client.post("/v1/tickets")).json()["ticket"]
    answers = await asyncio.gather(*(door.handshake(query=f"ticket={ticket}") for _ in range(20)))
    assert sorted(status for status, _ in answers) == [101] + [401] * 19


async def test_a_ticket_is_too_old_after_30_seconds(door: Door) -> None:
    async with door.admin() as client:
        ticket = (await client.post("/v1/tickets")).json()["ticket"]
    assert 0 < await door.redis.pttl("livefeed:ticket:" + Vouchers.mark(ticket)) <= 30_000
    door.clock.now += 30
    assert (await door.handshake(query=f"ticket={ticket}"))[0] == 401


@pytest.mark.parametrize("ticket", ["", "x", "A" * 43, "A" * 44, "*", "A" * 42 + "%00", "../session"])
async def test_made_up_tickets_are_401(door: Door, ticket: str) -> None:
    assert (await door.handshake(query=f"ticket={ticket}"))[0] == 401


async def test_two_tickets_are_400(door: Door) -> None:
    assert (await door.handshake(query=f"ticket={'A' * 43}&ticket={'B' * 43}"))[0] == 400


async def test_a_ticket_of_a_revoked_key_lets_nobody_in(door: Door) -> None:
    key, text = await door.keys.make("wire", READER.grants, by=READER)
    async with door.client(authorization=f"Bearer {text}") as client:
        ticket = (await client.post("/v1/tickets")).json()["ticket"]
    await door.keys.revoke(key.id)
    assert (await door.handshake(query=f"ticket={ticket}"))[0] == 401


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"authorization": f"Bearer {ADMIN_KEY}"}, 101),
        ({"authorization": f"Bearer {ADMIN_KEY}", "origin": "https://evil.example"}, 101),
        ({"authorization": "Bearer x"}, 401),
        ({}, 101),
        ({"origin": "https://evil.example"}, 101),
    ],
)
async def test_websockets_without_a_cookie_are_open_to_all_origins(door: Door, headers: dict[str, str], expected: int) -> None:
    """Nothing is shown that the browser adds by itself, so there is nothing for a foreign page to borrow."""
    assert (await door.handshake(**headers))[0] == expected


WS_ORIGINS = {
    None: 403,
    "null": 403,
    "https://evil.example": 403,
    "http://feeds.example.evil.example": 403,
    "https://feeds.example": 403,
    "http://feeds.example:81": 403,
    "http://news.example": 403,
    "http://feeds.example": 101,
    "https://news.example": 101,
}


@pytest.mark.parametrize("origin", WS_ORIGINS)
async def test_a_websocket_with_a_cookie_needs_one_of_our_origins(redis: Redis, origin: str | None) -> None:
    door = Door(redis, origins=["https://news.example"])
    async with door.admin() as client:
        cookie = (await client.post("/v1/session")).headers["set-cookie"].partition(";")[0]
    headers = {"cookie": cookie} | ({} if origin is None else {"origin": origin})
    assert (await door.handshake(**headers))[0] == WS_ORIGINS[origin]


async def test_a_cookie_is_not_taken_from_foreign_pages(door: Door) -> None:
    async with door.admin() as client:
        cookie = (await client.post("/v1/session")).headers["set-cookie"].partition(";")[0]
    assert await status(door, cookie=cookie) == 200
    assert await status(door, cookie=cookie, origin="https://evil.example") == 403
    async with door.client(cookie=cookie) as client:
        assert (await client.post("/v1/feeds/world/items")).status_code == 403
        assert (await client.post("/v1/feeds/world/items", headers={"origin": "https://evil.example"})).status_code == 403
        assert (await client.post("/v1/feeds/world/items", headers={"origin": "null"})).status_code == 403
        assert (await client.post("/v1/feeds/world/items", headers={"sec-fetch-site": "same-site"})).status_code == 403
        assert (await client.post("/v1/feeds/world/items", headers={"sec-fetch-site": "same-origin"})).status_code == 201
        assert (await client.post("/v1/feeds/world/items", headers={"origin": "http://feeds.example"})).status_code == 201


@pytest.mark.parametrize(
    "cookie", ["livefeed_session=", "livefeed_session=x", "livefeed_session=" + "A" * 43, "livefeed_session=\x80"]
)
async def test_a_cookie_that_is_none_is_nobody(door: Door, cookie: str) -> None:
    async with door.client() as client:
        answer = await client.get(WHOAMI, headers=[(b"cookie", cookie.encode("latin-1"))])
    assert answer.json()["subject"] == ""


async def test_publishing_above_the_rate_is_429(door: Door) -> None:
    async with door.admin() as client:
        answers = [await client.post("/v1/feeds/world/items") for _ in range(60)]
    codes = [answer.status_code for answer in answers]
    assert codes[:50] == [201] * 50
    assert codes[-1] == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    async with door.client(authorization=f"Bearer {forge({'alg': 'HS256'}, GOOD)}") as client:
        assert (await client.post("/v1/feeds/world/items")).status_code == 201


async def test_without_redis_made_keys_and_sessions_wait_and_the_admin_key_counts(door: Door) -> None:
    _, text = await door.keys.make("wire", READER.grants, by=READER)
    away = Door(Redis(port=1, retry=Retry(NoBackoff(), 0)))
    assert await status(away, authorization=f"Bearer {ADMIN_KEY}") == 200
    assert await status(away, authorization=f"Bearer {text}") == 503
    assert await status(away, cookie="livefeed_session=" + "A" * 43) == 503
    assert (await away.handshake(query="ticket=" + "A" * 43))[0] == 503


async def test_a_body_that_outlives_its_credential_does_nothing(redis: Redis) -> None:
    door = Door(redis, slow=0.0)
    admin = await door.authenticator.identify(ADMIN_KEY)
    key, text = await door.keys.make("operator", {Role.ADMIN: ("*",)}, by=admin)

    async def body(*, revoking: bool) -> AsyncIterator[bytes]:
        yield b'{"name": "wire", '
        if revoking:
            await door.keys.revoke(key.id)
        yield b'"grants": {"publish": ["*"]}}'

    async with door.client(authorization=f"Bearer {text}", content_type="application/json") as client:
        assert (await client.post("/v1/keys", content=body(revoking=False))).status_code == 201
        assert (await client.post("/v1/keys", content=body(revoking=True))).status_code == 401
    assert len(await door.keys.list()) == 1
