"""Items over HTTP: the exact answers."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from livefeed.api.problems import LATE
from livefeed.exceptions import TooManyRequests
from livefeed.grants import Caller
from tests.api.desk import ADMIN, CONTRIBUTOR, EDITOR, ITEMS, PRODUCER, READER, Desk, told

MERGE = "application/merge-patch+json"


# -- publishing


async def test_publishing(desk: Desk) -> None:
    response = await desk.ask("POST", ITEMS, {"headline": "Storm", "edNote": "SECRET", "uri": "urn:a:1"}, caller=PRODUCER)
    assert response.status_code == 201
    answer = response.json()
    assert response.headers["location"] == f"{ITEMS}/{answer['item']['id']}"
    assert response.headers["etag"] == '"1"'
    assert answer["item"]["headline"] == "Storm"
    assert answer["item"]["origin"]["producer"] == "producer"
    assert "SECRET" not in response.text
    again = await desk.ask("POST", ITEMS, {"headline": "Storm", "edNote": "SECRET", "uri": "urn:a:1"}, caller=PRODUCER)
    assert (again.status_code, again.json()) == (200, answer)
    other = {"headline": "Gale", "uri": "urn:a:1"}
    assert "other content" in told(await desk.ask("POST", ITEMS, other), 409)
    updated = await desk.ask("POST", f"{ITEMS}?existing=update", other)
    assert updated.status_code == 200
    assert updated.json()["item"]["version"] == 2
    assert updated.json()["event"] != answer["event"]


async def test_an_idempotency_key(desk: Desk) -> None:
    first = await desk.ask("POST", ITEMS, {"headline": "a"}, idempotency_key="k")
    again = await desk.ask("POST", ITEMS, {"headline": "a"}, idempotency_key="k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    told(await desk.ask("POST", ITEMS, {"headline": "b"}, idempotency_key="k"), 409)
    told(await desk.ask("POST", ITEMS, {"headline": "b"}, idempotency_key="k" * 256), 400)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"headline":NaN}', 400),
        (b'{"headline":"a","headline":"b"}', 400),
        (b'{"headline":"\\ud800"}', 400),
        (b'{"urgency":' + b"9" * 5000 + b"}", 400),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, 400),
        ('{"headline":"a"}'.encode("utf-16"), 400),
        (b'"x"', 422),
        (b"{}", 422),
        (b'{"headline":"a","urgency":0}', 422),
        (orjson.dumps({"headline": "a", "bodyText": "b" * 70_000}), 413),
        (b'{"headline":"' + b"a" * (4 * 1024 * 1024) + b'"}', 413),
    ],
)
async def test_bad_bodies(desk: Desk, content: bytes, status: int) -> None:
    told(await desk.ask("POST", ITEMS, content=content, content_type="application/json"), status)


async def test_every_broken_field_is_told(desk: Desk) -> None:
    response = await desk.ask("POST", ITEMS, {"hedline": "a", "urgency": 12, "version": 1})
    assert "did you mean 'headline'?" in told(response, 422)
    rules = {(error["pointer"], error["rule"]) for error in response.json()["errors"]}
    assert rules == {("/hedline", "unknown"), ("/urgency", "range"), ("/version", "server"), ("/headline", "required")}


async def test_types_and_parameters(desk: Desk) -> None:
    assert "application/json" in told(await desk.ask("POST", ITEMS, content=b"{}", content_type="text/plain"), 415)
    told(await desk.ask("POST", ITEMS, content=b"{}"), 415)
    told(await desk.ask("POST", ITEMS, {}, content_type="application/json; charset=latin-1"), 415)
    told(await desk.ask("POST", ITEMS, {}, content_encoding="gzip"), 415)
    assert "did you mean 'existing'" in told(await desk.ask("POST", f"{ITEMS}?exist=update", {"headline": "a"}), 400)
    told(await desk.ask("POST", f"{ITEMS}?existing=replace", {"headline": "a"}), 400)
    assert "appendonly" in told(await desk.ask("POST", f"{ITEMS}?durability=aof", {"headline": "a"}), 503)
    response = await desk.ask("DELETE", ITEMS)
    told(response, 405)
    assert response.headers["allow"] == "GET, HEAD, POST"
    told(await desk.ask("GET", "/v1/nothing"), 404)


async def test_who_may_publish(desk: Desk) -> None:
    item = {"headline": "a"}
    response = await desk.ask("POST", ITEMS, item, caller=Caller.ANONYMOUS)
    told(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"
    told(await desk.ask("POST", ITEMS, item, caller=READER), 403)
    assert "only submit drafts" in told(await desk.ask("POST", ITEMS, item, caller=CONTRIBUTOR), 403)
    draft = await desk.ask("POST", ITEMS, {**item, "draft": True}, caller=CONTRIBUTOR)
    assert (draft.status_code, draft.json()["event"], draft.json()["item"]["draft"]) == (201, None, True)
    told(await desk.ask("POST", "/v1/feeds/none/items", item, caller=PRODUCER), 403)
    told(await desk.ask("POST", "/v1/feeds/none/items", item, caller=Caller("p", {**PRODUCER.grants, **EDITOR.grants})), 403)
    assert (await desk.ask("POST", "/v1/feeds/none/items", item, caller=ADMIN)).status_code == 201
    told(await desk.ask("POST", "/v1/feeds/No%2Fne/items", item), 404)
    told(await desk.ask("POST", "/v1/feeds/NONE/items", item), 400)


async def test_who_is_refused_does_not_learn_it_at_once(desk: Desk) -> None:
    """A client that repeats at once what was refused gets few refusals a second, and costs little."""

    class Full:
        def charge(self, caller: Caller, count: int) -> None:
            raise TooManyRequests("slower", retry_after=7)

    app = desk.app

    async def bounded(scope: Any, receive: Any, send: Any) -> None:
        scope["livefeed.authority"] = Full()
        await app(scope, receive, send)

    desk.app = bounded
    began = time.monotonic()
    told(await desk.ask("POST", ITEMS, {"headline": "a"}), 429)
    assert time.monotonic() - began >= LATE


# -- reading one


async def test_one_item(desk: Desk) -> None:
    item = await desk.publish(edNote="SECRET")
    path = f"{ITEMS}/{item['id']}"
    response = await desk.ask("GET", path, caller=Caller.ANONYMOUS)
    assert response.json() == item
    assert (response.headers["etag"], response.headers["cache-control"]) == ('"1"', "no-cache")
    for etag in ('"1"', 'W/"1"', '"0", "1"', "*"):
        same = await desk.ask("GET", path, if_none_match=etag)
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", '"1"')
    assert (await desk.ask("GET", path, if_none_match='"2"')).status_code == 200
    assert (await desk.ask("HEAD", path)).status_code == 200
    told(await desk.ask("GET", f"{ITEMS}/none"), 404)
    told(await desk.ask("GET", "/v1/feeds/none/items/none"), 404)
    told(await desk.ask("GET", f"{path}?x=1"), 400)
    told(await desk.ask("GET", f"{path}?view=desk", caller=READER), 403)
    shown = (await desk.ask("GET", f"{path}?view=desk", caller=EDITOR)).json()
    assert (shown["edNote"], shown["state"]) == ("SECRET", "usable")


async def test_a_feed_that_is_not_public(desk: Desk) -> None:
    item = await desk.publish()
    await desk.ask("PUT", "/v1/feeds/world", {"public": False})
    for path in (ITEMS, f"{ITEMS}/{item['id']}", "/v1/feeds/world"):
        told(await desk.ask("GET", path, caller=Caller.ANONYMOUS), 401)
        told(await desk.ask("GET", path, caller=Caller("x")), 403)
        response = await desk.ask("GET", path, caller=READER)
        assert response.status_code == 200
        assert response.headers["cache-control"].startswith("private")
    assert (await desk.ask("GET", "/v1/feeds", caller=Caller.ANONYMOUS)).json() == {"feeds": []}


async def test_what_is_not_out_is_not_there(desk: Desk) -> None:
    draft = await desk.publish(draft=True, headline="d")
    later = await desk.publish(embargoedUntil="2999-01-01T00:00:00Z", headline="e")
    for item in (draft, later):
        path = f"{ITEMS}/{item['id']}"
        assert told(await desk.ask("GET", path, caller=READER), 404) == told(await desk.ask("GET", path, caller=PRODUCER), 404)
        assert (await desk.ask("GET", path, caller=EDITOR)).json()["headline"] in "de"
        assert (await desk.ask("POST", f"{path}/cancel")).json()["event"] is None
        told(await desk.ask("GET", path, caller=READER), 404)


# -- changing


async def test_patching(desk: Desk) -> None:
    path = f"{ITEMS}/{(await desk.publish())['id']}"
    response = await desk.ask("PATCH", path, {"urgency": 1, "edNote": "SECRET"}, if_match='"1"', content_type=MERGE)
    assert response.status_code == 200
    assert response.headers["etag"] == '"2"'
    assert (response.json()["item"]["urgency"], response.json()["item"]["version"]) == (1, 2)
    assert "SECRET" not in response.text
    assert "at version 2, not 1" in told(await desk.ask("PATCH", path, {"urgency": 2}, if_match='"1"'), 412)
    told(await desk.ask("PATCH", path, {"urgency": 2}, if_match="1"), 400)
    told(await desk.ask("PATCH", path, {"urgency": 2}, if_match='"1", "2"'), 400)
    assert (await desk.ask("PATCH", path, {"urgency": 2}, if_match="*")).status_code == 200
    told(await desk.ask("PATCH", path, {"urgncy": 2}), 422)
    told(await desk.ask("PATCH", path, [], content_type=MERGE), 422)
    told(await desk.ask("PATCH", path, content=b"", content_type=MERGE), 400)
    told(await desk.ask("PATCH", path, content=b"{}"), 415)
    told(await desk.ask("PATCH", path, {}, content_type="application/json-patch+json"), 415)
    told(await desk.ask("PATCH", path, {"urgency": 2}, caller=PRODUCER), 403)
    told(await desk.ask("PATCH", f"{ITEMS}/none", {"urgency": 2}), 404)
    versions = (await desk.ask("GET", f"{path}/history", caller=EDITOR)).json()["versions"]
    assert [version["version"] for version in versions] == [3, 2, 1]
    told(await desk.ask("GET", f"{path}/history", caller=PRODUCER), 403)


async def test_a_contributor_changes_drafts(desk: Desk) -> None:
    path = f"{ITEMS}/{(await desk.publish(draft=True))['id']}"
    assert (await desk.ask("PATCH", path, {"headline": "b"}, caller=CONTRIBUTOR)).status_code == 200
    told(await desk.ask("POST", f"{path}/publish", caller=CONTRIBUTOR), 403)
    for way_out in ({"draft": None}, {"draft": False}, {"draft": False, "embargoedUntil": "2999-01-01T00:00:00Z"}):
        assert "but not publish them" in told(await desk.ask("PATCH", path, way_out, caller=CONTRIBUTOR), 403)
    out = await desk.ask("POST", f"{path}/publish", caller=EDITOR)
    assert out.json()["event"] is not None
    assert (await desk.ask("POST", f"{path}/publish", caller=EDITOR)).json() == out.json()


async def test_hold_release_cancel(desk: Desk) -> None:
    path = f"{ITEMS}/{(await desk.publish(headline='WRONG', edNote='n'))['id']}"
    held = await desk.ask("POST", f"{path}/hold", {"reason": "unverified"}, caller=EDITOR)
    assert held.json()["item"]["pubStatus"] == "withheld"
    assert (await desk.ask("POST", f"{path}/hold")).json() == held.json()
    shown = await desk.ask("GET", path, caller=Caller.ANONYMOUS)
    assert shown.json() == held.json()["item"]
    assert shown.json()["reason"] == "unverified"
    assert (await desk.ask("GET", f"{path}?view=desk")).json()["held"]["headline"] == "WRONG"
    told(await desk.ask("PATCH", path, {"headline": "x"}), 409)
    back = await desk.ask("POST", f"{path}/release", {"headline": "Right"}, content_type=MERGE)
    assert (back.status_code, back.json()["item"]["headline"]) == (200, "Right")
    killed = await desk.ask("POST", f"{path}/cancel", if_match='"3"')
    assert killed.json()["item"]["pubStatus"] == "canceled"
    assert (await desk.ask("GET", path)).json() == killed.json()["item"]
    told(await desk.ask("POST", f"{path}/release"), 409)
    told(await desk.ask("POST", f"{path}/hold", {"reasons": "x"}), 422)
    told(await desk.ask("POST", f"{path}/hold", {"reason": "x" * 501}), 422)
    told(await desk.ask("POST", f"{path}/cancel", caller=PRODUCER), 403)
    told(await desk.ask("POST", f"{path}/publish", {"a": 1}), 400)


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
async def test_an_empty_body_has_no_type(desk: Desk, kind: str) -> None:
    path = f"{ITEMS}/{(await desk.publish(headline='H'))['id']}"
    for deed in ("hold", "release", "cancel"):
        assert (await desk.ask("POST", f"{path}/{deed}", content=b"", content_type=kind)).status_code == 200
    draft = await desk.publish(headline="D", draft=True)
    assert (await desk.ask("POST", f"{ITEMS}/{draft['id']}/publish", content=b"", content_type=kind)).status_code == 200


async def test_a_list_is_neither_a_reason_nor_a_patch(desk: Desk) -> None:
    path = f"{ITEMS}/{(await desk.publish(headline='H'))['id']}"
    for deed in ("cancel", "hold"):
        told(await desk.ask("POST", f"{path}/{deed}", []), 422)
    await desk.ask("POST", f"{path}/hold")
    told(await desk.ask("POST", f"{path}/release", []), 422)


async def test_what_was_done_is_on_record(desk: Desk) -> None:
    item = await desk.publish()
    await desk.ask("POST", f"{ITEMS}/{item['id']}/cancel", caller=EDITOR)
    killed, published, made = await desk.audit.read()
    assert (killed.action, killed.subject, killed.details["item"]) == ("item.canceled", "editor", item["id"])
    assert (published.action, made.action) == ("item.published", "feed.made")
