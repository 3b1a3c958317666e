"""Feeds over HTTP: made, changed, closed and deleted by who may."""

from __future__ import annotations

from livefeed.grants import Caller
from tests.api.desk import EDITOR, ITEMS, Desk, told

WORLD = "/v1/feeds/world"


async def test_making_and_changing(desk: Desk) -> None:
    settings = {
        "title": "World <b>news</b>",
        "description": "All of it",
        "language": "en",
        "homePage": "https://example.org/",
        "public": False,
        "retention": {"events": 500, "age": 3600},
    }
    made = await desk.ask("PUT", "/v1/feeds/new", settings)
    assert (made.status_code, made.headers["location"]) == (201, "/v1/feeds/new")
    shown = made.json()
    assert (shown["title"], shown["open"], shown["head"], shown["name"]) == ("World news", True, "0-0", "new")
    assert shown["retention"] == {"events": 500, "age": 3600, "bytes": 268_435_456, "items": 100_000}
    back = {name: value for name, value in shown.items() if name not in ("name", "head", "readers")}
    assert (await desk.ask("PUT", "/v1/feeds/new", back)).json() == shown
    assert (await desk.ask("PUT", "/v1/feeds/new", {})).json()["title"] == ""


async def test_reading(desk: Desk) -> None:
    response = await desk.ask("GET", WORLD, caller=Caller.ANONYMOUS)
    assert response.json()["title"] == ""
    same = await desk.ask("GET", WORLD, if_none_match=response.headers["etag"])
    assert same.status_code == 304
    await desk.publish()
    assert (await desk.ask("GET", WORLD, if_none_match=response.headers["etag"])).status_code == 200
    listed = (await desk.ask("GET", "/v1/feeds", caller=Caller.ANONYMOUS)).json()["feeds"]
    assert [(feed["name"], feed["title"], feed["readers"], feed["open"]) for feed in listed] == [("world", "", 0, True)]
    assert listed[0]["head"].endswith("-1")


async def test_what_is_wrong_is_named(desk: Desk) -> None:
    response = await desk.ask("PUT", WORLD, {"titel": "x", "retention": {"events": 0}, "open": 1, "head": "0-0"})
    told(response, 422)
    rules = {(error["pointer"], error["rule"]) for error in response.json()["errors"]}
    assert rules == {("/titel", "unknown"), ("/retention/events", "range"), ("/open", "type"), ("/head", "server")}
    told(await desk.ask("PUT", WORLD, []), 422)
    told(await desk.ask("PUT", WORLD, content=b"", content_type="application/json"), 400)
    told(await desk.ask("PUT", WORLD, {}, caller=EDITOR), 403)
    told(await desk.ask("PUT", WORLD, {}, caller=Caller.ANONYMOUS), 401)
    told(await desk.ask("PUT", "/v1/feeds/_x", {}), 400)
    told(await desk.ask("GET", "/v1/feeds/none"), 404)
    told(await desk.ask("GET", "/v1/feeds?x=1"), 400)


async def test_closing_and_deleting(desk: Desk) -> None:
    await desk.publish()
    closed = await desk.ask("PUT", WORLD, {"open": False})
    assert closed.json()["open"] is False
    assert "is closed" in told(await desk.ask("POST", ITEMS, {"headline": "a"}), 409)
    told(await desk.ask("DELETE", WORLD, caller=EDITOR), 403)
    head = closed.json()["head"]
    assert (await desk.ask("DELETE", WORLD)).status_code == 204
    told(await desk.ask("DELETE", WORLD), 404)
    told(await desk.ask("GET", ITEMS), 404)
    again = await desk.ask("PUT", WORLD, {})
    assert (again.status_code, again.json()["head"]) == (201, head)
    assert (await desk.ask("GET", ITEMS)).json()["items"] == []
