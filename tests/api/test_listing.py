"""Lists: every page true for one position, and a walk that sees each item once whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import random
import re
from typing import Any

import pytest

from livefeed.cursors import Cursor
from livefeed.holes import Page
from tests.api.desk import EDITOR, ITEMS, READER, Desk, told


async def page(desk: Desk, query: str = "") -> dict[str, Any]:
    response = await desk.ask("GET", f"{ITEMS}{query}", caller=READER)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def headlines(answer: dict[str, Any]) -> list[str]:
    return [item["headline"] for item in answer["items"]]


async def test_newest_first_and_joined_to_the_stream(desk: Desk) -> None:
    assert await page(desk) == {"items": [], "cursor": "0-0", "next": None}
    for hour in (12, 10, 11):
        await desk.publish(headline=str(hour), contentCreated=f"2026-01-01T{hour}:00:00Z")
    first = await page(desk, "?limit=2")
    assert headlines(first) == ["12", "11"]
    second = await page(desk, f"?limit=2&before={first['next']}")
    assert (headlines(second), second["next"]) == (["10"], None)
    await desk.publish(headline="after")
    follows = await desk.editor.log.read("world", Cursor.parse(first["cursor"]))
    assert isinstance(follows, Page)
    assert len(follows.events) == 1


async def test_filters(desk: Desk) -> None:
    await desk.publish(headline="a", tags=["Straße"], urgency=2)
    await desk.publish(headline="b", tags=["sport"], uri="urn:a:b")
    await desk.publish(headline="c", tags=["sport", "strasse"], bodyHtml="<p>Über <b>Fußball</b></p>")
    assert headlines(await page(desk, "?tag=STRASSE")) == ["c", "a"]
    assert headlines(await page(desk, "?tag=strasse&tag=sport")) == ["c", "b", "a"]
    assert headlines(await page(desk, "?urgency=3")) == ["a"]
    assert headlines(await page(desk, "?uri=urn:a:b")) == ["b"]
    assert headlines(await page(desk, "?uri=urn:a:b&tag=other")) == []
    assert headlines(await page(desk, "?uri=urn:a:none")) == []
    assert headlines(await page(desk, "?q=FUSSBALL+über")) == ["c"]
    assert headlines(await page(desk, "?q=fussball&tag=sport")) == ["c"]
    assert headlines(await page(desk, "?since=1h&limit=2")) == ["c", "b"]
    assert headlines(await page(desk, "?since=2026-01-01T00:00:00Z")) == ["c", "b", "a"]


async def test_a_tag_that_was_taken_away_is_not_listed(desk: Desk) -> None:
    item = await desk.publish(headline="a", tags=["sport"])
    await desk.ask("PATCH", f"{ITEMS}/{item['id']}", {"tags": ["news"]})
    assert headlines(await page(desk, "?tag=sport")) == []
    assert headlines(await page(desk, "?tag=news")) == ["a"]


async def test_searching_goes_on_from_page_to_page(desk: Desk) -> None:
    for number in range(7):
        await desk.publish(headline=f"word {number}", contentCreated=f"2026-01-01T00:00:0{number}Z")
    first = await page(desk, "?q=word&limit=5")
    rest = await page(desk, f"?q=word&limit=5&before={first['next']}")
    assert headlines(first) + headlines(rest) == [f"word {number}" for number in reversed(range(7))]
    assert rest["next"] is None


async def test_what_is_held_killed_or_expired_is_not_listed(desk: Desk) -> None:
    held, killed = await desk.publish(headline="h"), await desk.publish(headline="k")
    await desk.publish(headline="e", expires="2026-01-01T00:00:00Z", contentCreated="2025-12-31T00:00:00Z", uri="urn:a:e")
    await desk.publish(headline="d", draft=True, uri="urn:a:d", edNote="SECRET")
    await desk.publish(headline="s", embargoedUntil="2999-01-01T00:00:00Z")
    await desk.ask("POST", f"{ITEMS}/{held['id']}/hold")
    await desk.ask("POST", f"{ITEMS}/{killed['id']}/cancel")
    assert headlines(await page(desk)) == []
    assert headlines(await page(desk, "?uri=urn:a:e")) == []
    assert headlines(await page(desk, "?uri=urn:a:d")) == []
    told(await desk.ask("GET", f"{ITEMS}?view=desk", caller=READER), 403)
    shown = (await desk.ask("GET", f"{ITEMS}?view=desk", caller=EDITOR)).json()["items"]
    states = {item.get("headline", item["pubStatus"]): item["state"] for item in shown}
    assert states == {"withheld": "withheld", "canceled": "canceled", "e": "usable", "d": "draft", "s": "scheduled"}
    assert [item["edNote"] for item in shown if item["state"] == "draft"] == ["SECRET"]


@pytest.mark.parametrize(
    "query",
    [
        "?tags=a",
        "?limit=0",
        "?limit=201",
        "?limit=x",
        "?before=x",
        "?before=",
        "?urgency=0",
        "?q=",
        "?q=" + "+".join("x" * 21),
        "?since=soon",
        "?view=all",
        "?limit=1&limit=2",
    ],
)
async def test_bad_questions(desk: Desk, query: str) -> None:
    told(await desk.ask("GET", f"{ITEMS}{query}"), 400)


async def test_no_change_is_not_sent_again(desk: Desk) -> None:
    await desk.publish()
    response = await desk.ask("GET", ITEMS, caller=READER)
    etag = response.headers["etag"]
    same = await desk.ask("GET", ITEMS, caller=READER, if_none_match=etag)
    assert (same.status_code, same.content) == (304, b"")
    await desk.publish()
    assert (await desk.ask("GET", ITEMS, caller=READER, if_none_match=etag)).status_code == 200


async def test_links_lead_through_the_list(desk: Desk) -> None:
    for number in range(5):
        await desk.publish(headline=str(number), tags=["a b"])
    seen: list[str] = []
    path: str | None = f"{ITEMS}?limit=2&tag=a%20b"
    while path:
        response = await desk.ask("GET", path, caller=READER)
        seen += headlines(response.json())
        link = response.headers["link"]
        assert f'<{ITEMS}?limit=2&tag=a+b>; rel="first"' in link
        following = re.search(r'<([^>]*)>; rel="next"', link)
        path = following[1] if following else None
    assert sorted(seen) == ["0", "1", "2", "3", "4"]


async def test_a_page_has_a_bound_in_bytes(desk: Desk) -> None:
    for number in range(40):
        await desk.publish(headline=str(number), bodyText="x" * 32_000)
    first = await page(desk, "?limit=100")
    assert 30 < len(first["items"]) < 40
    rest = await page(desk, f"?limit=100&before={first['next']}")
    assert len(first["items"]) + len(rest["items"]) == 40


async def test_a_walk_sees_each_item_once_while_others_come_and_go(desk: Desk) -> None:
    """Each item that was there throughout, and whose editorial time did not change, is seen exactly once."""
    chance = random.Random(20261123)
    batch = [{"headline": str(n), "contentCreated": f"2026-01-01T{n // 60:02}:{n % 60:02}:00Z"} for n in range(600)]
    answer = await desk.ask("POST", ITEMS, batch)
    assert answer.status_code == 200
    ids = re.findall(r'"id":"([^"]+)"', answer.text)
    assert len(ids) == 600
    killed = set(chance.sample(ids, 60))

    async def publish() -> None:
        for number in range(60):
            moment = f"2026-01-01T{chance.randrange(10):02}:{chance.randrange(60):02}:30Z"
            await desk.publish(headline=f"new {number}", contentCreated=moment)

    async def kill() -> None:
        for item_id in killed:
            await desk.editor.cancel("world", item_id)

    async def walk() -> list[str]:
        seen: list[str] = []
        before = ""
        while True:
            answer = await page(desk, f"?limit=17{before}")
            seen += [item["id"] for item in answer["items"]]
            if answer["next"] is None:
                return seen
            before = f"&before={answer['next']}"

    seen, _, _ = await asyncio.gather(walk(), publish(), kill())
    assert len(seen) == len(set(seen))
    assert set(ids) - killed <= set(seen)
