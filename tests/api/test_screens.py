"""Desks and screens over HTTP: who may report, who may see whom, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from livefeed.api.presence import Presence
from livefeed.api.problems import HANDLERS
from livefeed.feeds import FeedSettings
from livefeed.grants import Caller, Role
from livefeed.log.catalog import Catalog
from livefeed.log.roster import Roster

ADA = Caller("ada", {Role.EDIT: ("*",)})
READER = Caller("reader", {Role.READ: ("*",)})
DESKS, SCREENS = "/v1/feeds/world/desks", "/v1/feeds/world/screens"
LIVE = {"screen": "lobby", "state": "live", "heard": 12, "items": 3}


class House:
    """The endpoints, called by whoever the test says."""

    def __init__(self, redis: Redis) -> None:
        self.catalog = Catalog(redis)
        rosters = Roster(redis, keep=60, most=20), Roster(redis, keep=60, most=20)
        self._app = Starlette(routes=Presence(self.catalog, *rosters).routes(), exception_handlers=HANDLERS)
        self._caller = Caller.ANONYMOUS

    async def _called(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["livefeed.caller"] = self._caller
        await self._app(scope, receive, send)

    async def ask(self, method: str, path: str, body: object = None, caller: Caller = Caller.ANONYMOUS) -> httpx2.Response:
        self._caller = caller
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self._called), base_url="http://127.0.0.1") as client:
            return await client.request(method, path, json=body)


@pytest.fixture
async def house(redis: Redis) -> House:
    made = House(redis)
    await made.catalog.put("world", FeedSettings())
    await made.catalog.put("secret", FeedSettings(public=False))
    return made


async def test_a_desk_learns_who_else_is_there(house: House) -> None:
    await house.ask("POST", DESKS, {"desk": "d1", "name": "Ada", "item": "i1"}, ADA)
    answer = (await house.ask("POST", DESKS, {"desk": "d2"}, ADA)).json()["desks"]
    assert [{**desk, "age": 0} for desk in answer] == [
        {"desk": "d1", "name": "Ada", "item": "i1", "subject": "ada", "age": 0},
        {"desk": "d2", "name": "", "item": "", "subject": "ada", "age": 0},
    ]
    assert (await house.ask("DELETE", f"{DESKS}/d1", caller=ADA)).status_code == 204
    assert len((await house.ask("POST", DESKS, {"desk": "d2"}, ADA)).json()["desks"]) == 1


@pytest.mark.parametrize(("caller", "status"), [(Caller.ANONYMOUS, 401), (READER, 403)])
async def test_who_may_not_write_does_not_learn_who_does(house: House, caller: Caller, status: int) -> None:
    assert (await house.ask("POST", DESKS, {"desk": "d1"}, caller)).status_code == status
    assert (await house.ask("DELETE", f"{DESKS}/d1", caller=caller)).status_code == status


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({}, 422, "desk"),
        ({"desk": "d", "itme": "x"}, 422, "itme"),
        ({"desk": 5}, 422, "desk"),
        ({"desk": "d" * 65}, 422, "desk"),
        ([], 422, "object"),
        ({"desk": "d", "name": "x" * 5000}, 413, "bytes"),
    ],
)
async def test_a_report_that_is_not_right_is_refused(house: House, body: object, status: int, named: str) -> None:
    answer = await house.ask("POST", DESKS, body, ADA)
    assert answer.status_code == status
    assert named in answer.text


async def test_screens_are_listed_with_what_they_said(house: House) -> None:
    assert (await house.ask("POST", SCREENS, LIVE)).status_code == 204
    [screen] = (await house.ask("GET", "/v1/screens")).json()["screens"]
    assert screen.pop("age") < 60_000
    assert screen == {**LIVE, "feed": "world", "version": ""}


async def test_screens_of_a_feed_that_is_not_public_are_shown_to_its_readers(house: House) -> None:
    path = "/v1/feeds/secret/screens"
    assert (await house.ask("POST", path, LIVE)).status_code == 401
    assert (await house.ask("POST", path, LIVE, READER)).status_code == 204
    shown: list[Any] = (await house.ask("GET", "/v1/screens")).json()["screens"]
    assert shown == []
    assert len((await house.ask("GET", "/v1/screens", caller=READER)).json()["screens"]) == 1


async def test_screens_of_a_feed_that_is_gone_are_not_listed(house: House) -> None:
    await house.ask("POST", SCREENS, LIVE)
    await house.catalog.delete("world")
    assert (await house.ask("GET", "/v1/screens")).json() == {"screens": []}
    assert (await house.ask("POST", SCREENS, LIVE)).status_code == 404


@pytest.mark.parametrize("change", [{"state": "fine"}, {"newest": "today"}, {"heard": -1}, {"screen": ""}])
async def test_a_screen_says_what_can_be_understood(house: House, change: dict[str, object]) -> None:
    answer = await house.ask("POST", SCREENS, {**LIVE, **change})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{next(iter(change))}"
