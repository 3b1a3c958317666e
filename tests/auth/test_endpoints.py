from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from livefeed.auth.tokens import TokenRules
from livefeed.auth.vouchers import Vouchers
from livefeed.limits import Rate
from tests.auth.door import ADMIN_KEY, Door
from tests.auth.test_tokens import GOOD, forge

WHOAMI = "/v1/feeds/world/whoami"
WIRE = {"name": "wire", "grants": {"publish": ["world"]}}
TOKEN = forge({"alg": "HS256"}, GOOD)


async def test_signing_in_gives_a_cookie_that_pages_cannot_read(door: Door) -> None:
    async with door.client() as client:
        answer = await client.post("/v1/session", headers={"authorization": f"Bearer {ADMIN_KEY}"})
        assert answer.status_code == 201
        assert answer.json()["grants"] == {"admin": True}
        cookie = answer.headers["set-cookie"].lower()
        for part in ("httponly", "samesite=strict", "path=/", "max-age=3600"):
            assert part in cookie
        assert "secure" not in cookie
        assert ADMIN_KEY not in answer.text + cookie
        assert (await client.get(WHOAMI)).json()["subject"] == "admin"
        assert (await client.get("/v1/session")).json()["subject"] == "admin"
        gone = await client.delete("/v1/session", headers={"sec-fetch-site": "same-origin"})
        assert gone.status_code == 204
        assert 'livefeed_session=""; ' in gone.headers["set-cookie"]


async def test_over_https_the_cookie_is_bound_to_host_and_transport(door: Door) -> None:
    async with door.client(base="https://feeds.example", authorization=f"Bearer {ADMIN_KEY}") as client:
        cookie = (await client.post("/v1/session")).headers["set-cookie"]
    assert cookie.startswith("__Host-livefeed=")
    assert "; Secure" in cookie
    assert "domain" not in cookie.lower()


async def test_a_session_that_was_ended_is_nobodys(door: Door) -> None:
    async with door.admin() as client:
        cookie = (await client.post("/v1/session")).headers["set-cookie"].partition(";")[0]
    async with door.client(cookie=cookie, sec_fetch_site="same-origin") as client:
        assert (await client.get("/v1/session")).status_code == 200
        assert (await client.delete("/v1/session")).status_code == 204
        assert (await client.get("/v1/session")).status_code == 401
        assert (await client.get(WHOAMI)).json()["subject"] == ""


async def test_a_session_ends_with_its_token(door: Door) -> None:
    async with door.client(authorization=f"Bearer {TOKEN}") as client:
        answer = await client.post("/v1/session")
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert "Max-Age=600" in answer.headers["set-cookie"]
    door.clock.now += 600
    async with door.client(cookie=cookie) as client:
        assert (await client.get("/v1/session")).status_code == 401


async def test_a_session_ends_with_its_key(door: Door) -> None:
    async with door.admin() as admin:
        made = (await admin.post("/v1/keys", json=WIRE)).json()
        async with door.client(authorization=f"Bearer {made['key']}") as client:
            cookie = (await client.post("/v1/session")).headers["set-cookie"].partition(";")[0]
        await admin.delete(f"/v1/keys/{made['id']}")
    async with door.client(cookie=cookie) as client:
        assert (await client.get("/v1/session")).status_code == 401


async def test_redis_never_sees_a_session_or_ticket(door: Door) -> None:
    async with door.admin() as client:
        cookie = (await client.post("/v1/session")).headers["set-cookie"].partition(";")[0].partition("=")[2]
        ticket = (await client.post("/v1/tickets")).json()["ticket"]
    names = [name.decode() for name in await door.redis.keys() if isinstance(name, bytes)]
    assert {f"livefeed:session:{Vouchers.mark(cookie)}", f"livefeed:ticket:{Vouchers.mark(ticket)}"} <= set(names)
    for name in names:
        if name.startswith(("livefeed:session:", "livefeed:ticket:")):
            kept = name + str(await door.redis.get(name))
            assert cookie not in kept
            assert ticket not in kept


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/session"), ("GET", "/v1/session"), ("POST", "/v1/tickets")])
async def test_nobody_gets_neither_session_nor_ticket(door: Door, method: str, path: str) -> None:
    async with door.client() as client:
        assert (await client.request(method, path)).status_code == 401


ADMINS_ONLY = [("POST", "/v1/keys"), ("GET", "/v1/keys"), ("DELETE", "/v1/keys/x"), ("GET", "/v1/audit")]


@pytest.mark.parametrize(("method", "path"), ADMINS_ONLY)
async def test_keys_and_the_trail_are_for_admins(door: Door, method: str, path: str) -> None:
    async with door.client() as client:
        assert (await client.request(method, path)).status_code == 401
        for grants in ({"edit": ["*"]}, {"admin": False}, {}):
            token = forge({"alg": "HS256"}, {**GOOD, "livefeed": grants})
            answer = await client.request(method, path, headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == 403


async def test_a_key_is_shown_once_and_works_until_it_is_revoked(door: Door) -> None:
    async with door.admin() as admin:
        made = await admin.post("/v1/keys", json={**WIRE, "expires": "2027-01-01T00:00:00Z"})
        assert made.status_code == 201
        assert made.headers["cache-control"] == "no-store"
        key = made.json()
        assert key["expires"] == "2027-01-01T00:00:00.000Z"
        listed = (await admin.get("/v1/keys")).json()["keys"]
        assert [entry["name"] for entry in listed] == ["wire"]
        assert "key" not in listed[0]
        async with door.client(authorization=f"Bearer {key['key']}") as client:
            assert (await client.post("/v1/feeds/world/items")).status_code == 201
            assert (await client.post("/v1/feeds/sport/items")).status_code == 403
            assert (await client.get("/v1/keys")).status_code == 403
            assert (await admin.delete(made.headers["location"])).status_code == 204
            assert (await client.post("/v1/feeds/world/items")).status_code == 401
        assert (await admin.delete(made.headers["location"])).status_code == 404
        assert (await admin.get("/v1/keys")).json() == {"keys": []}


BAD_KEYS: list[tuple[Any, int]] = [
    ({}, 422),
    ({"name": "x"}, 422),
    ({**WIRE, "name": ""}, 422),
    ({**WIRE, "name": "a\nb"}, 422),
    ({**WIRE, "name": 1}, 422),
    ({**WIRE, "grants": []}, 422),
    ({**WIRE, "grants": {}}, 422),
    ({**WIRE, "grants": {"publish": "world"}}, 422),
    ({**WIRE, "grants": {"publish": ["w*"]}}, 422),
    ({**WIRE, "grants": {"own": ["*"]}}, 422),
    ({**WIRE, "expires": "soon"}, 422),
    ({**WIRE, "expires": "2027-01-01T00:00:00"}, 422),
    ({**WIRE, "expires": "2020-01-01T00:00:00Z"}, 422),
    ({**WIRE, "colour": "red"}, 422),
    ([], 422),
    ("x", 422),
]


@pytest.mark.parametrize(("body", "status"), BAD_KEYS)
async def test_keys_that_cannot_be_made_are_refused(door: Door, body: Any, status: int) -> None:
    async with door.admin() as admin:
        answer = await admin.post("/v1/keys", json=body)
    assert answer.status_code == status


BAD_BODIES: list[tuple[bytes, str, int]] = [
    (b"{", "application/json", 400),
    (b"", "application/json", 400),
    (b"\xff\xfe{\x00}\x00", "application/json", 400),
    (b"[" * 60_000, "application/json", 422),
    (b'{"name":"\xff"}', "application/json", 400),
    (b" " * 70_000, "application/json", 413),
    (b"name=x", "application/x-www-form-urlencoded", 415),
    (b"{}", "text/plain", 415),
]


@pytest.mark.parametrize(("body", "kind", "status"), BAD_BODIES)
async def test_bodies_that_are_no_keys_are_refused(door: Door, body: bytes, kind: str, status: int) -> None:
    async with door.admin() as admin:
        answer = await admin.post("/v1/keys", content=body, headers={"content-type": kind})
    assert answer.status_code == status


async def test_a_token_can_be_revoked_before_it_expires(door: Door) -> None:
    async with door.client(authorization=f"Bearer {TOKEN}") as client, door.admin() as admin:
        by = (await client.get(WHOAMI)).json()["by"]
        assert (await admin.delete(f"/v1/keys/{by}")).status_code == 204
        assert (await client.get(WHOAMI)).status_code == 401


async def test_a_token_stays_revoked_as_long_as_it_could_count(door: Door) -> None:
    """The leeway is for lifetimes too; and each denial forgets those that are over."""
    rules = TokenRules()
    expires = door.clock() + rules.max_lifetime + rules.leeway
    token = forge({"alg": "HS256"}, {**GOOD, "exp": expires})
    async with door.client(authorization=f"Bearer {token}") as client, door.admin() as admin:
        by = (await client.get(WHOAMI)).json()["by"]
        await admin.delete(f"/v1/keys/{by}")
        door.clock.now = expires - 1
        await admin.delete("/v1/keys/jwt:another:0")
        assert (await client.get(WHOAMI)).status_code == 401
        restarted = Door(door.redis, door.clock)
        await restarted.authenticator.refresh()
        async with restarted.client(authorization=f"Bearer {token}") as again:
            answer = await again.get(WHOAMI)
    assert answer.status_code == 401
    assert "revoked" in answer.text


async def test_the_trail_tells_who_did_what_and_no_secrets(door: Door) -> None:
    async with door.admin() as admin:
        made = (await admin.post("/v1/keys", json=WIRE)).json()
        cookie = (await admin.post("/v1/session")).headers["set-cookie"].partition(";")[0].partition("=")[2]
        await admin.delete(f"/v1/keys/{made['id']}")
        answer = await admin.get("/v1/audit")
    entries = answer.json()["entries"]
    assert [(entry["action"], entry["subject"]) for entry in entries] == [
        ("key.revoked", "admin"),
        ("session.begun", "admin"),
        ("key.made", "admin"),
    ]
    assert entries[2]["key"] == made["id"]
    for secret in (made["key"], cookie, ADMIN_KEY):
        assert secret not in answer.text


async def test_the_trail_is_paged(door: Door) -> None:
    async with door.admin() as admin:
        for _ in range(5):
            await admin.post("/v1/keys", json=WIRE)
        first = (await admin.get("/v1/audit?limit=3")).json()
        rest = (await admin.get(f"/v1/audit?limit=3&before={first['next']}")).json()
    assert (len(first["entries"]), len(rest["entries"]), rest["next"]) == (3, 2, None)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "limit=-1", "limit=１", "before=x", "before=$", "before=1", "after=1-1"]
)
async def test_pages_that_are_none_are_refused(door: Door, query: str) -> None:
    async with door.admin() as admin:
        assert (await admin.get(f"/v1/audit?{query}")).status_code == 400


async def test_signing_in_again_and_again_is_429(door: Door) -> None:
    """Each session is kept for hours, and each is a line of the audit trail: whoever may only read must not fill either."""
    reader = forge({"alg": "HS256"}, {**GOOD, "livefeed": {"read": ["*"]}})
    async with door.client(authorization=f"Bearer {reader}") as client, door.admin() as admin:
        codes = [(await client.post("/v1/session")).status_code for _ in range(110)]
        assert codes[:100] == [201] * 100
        assert 429 in codes
        assert (await admin.post("/v1/session")).status_code == 201


async def test_tickets_have_a_rate(redis: Redis) -> None:
    async with Door(redis, tickets=Rate(per_second=0.001, burst=2)).admin() as admin:
        assert [(await admin.post("/v1/tickets")).status_code for _ in range(3)] == [201, 201, 429]
