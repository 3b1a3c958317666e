"""Batches over HTTP: a line for each item, and what is refused as a whole."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
import pytest

from livefeed.api import items
from livefeed.api.batches import from_array, from_lines
from livefeed.exceptions import TooManyRequests
from livefeed.grants import Caller
from tests.api.desk import ITEMS, Desk, told


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
async def test_a_batch_is_answered_line_by_line(desk: Desk, kind: str) -> None:
    entries: list[object] = [
        {"headline": "a", "uri": "urn:a:1"},
        {"headline": ""},
        {"headline": "a", "uri": "urn:a:1"},
        [1],
        {"headline": "x", "bodyText": "y" * 66_000},
        {"headline": "b", "uri": "urn:a:1"},
        {"headline": "d", "draft": True},
    ]
    ndjson = kind.endswith("ndjson")
    content = b"\r\n\n".join(map(orjson.dumps, entries)) if ndjson else b" " + orjson.dumps(entries)
    response = await desk.ask("POST", ITEMS, content=content, content_type=kind)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/x-ndjson")
    answers = lines(response.text)
    assert [answer["status"] for answer in answers] == [201, 422, 200, 422, 413, 409, 201]
    assert answers[0]["event"] == answers[2]["event"]
    assert answers[1]["problem"]["errors"][0]["pointer"] == "/headline"
    assert answers[6]["event"] is None


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
async def test_a_batch_is_taken_apart_beside_the_loop(desk: Desk, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four megabytes of line ends are millions of lines, and readers wait for whatever the loop does."""
    beside: list[bool] = []

    def seen(split: Callable[[bytes], list[bytes]], body: bytes) -> list[bytes]:
        beside.append(threading.current_thread() is not threading.main_thread())
        return split(body)

    for split in (from_lines, from_array):
        monkeypatch.setattr(items, split.__name__, partial(seen, split))
    content = (b"[" + b"\n" * 1_000_000 + b"]") if kind == "application/json" else b"\n" * (4 << 20)
    response = await desk.ask("POST", ITEMS, content=content, content_type=kind)
    assert (response.status_code, response.content, beside) == (200, b"", [True])


async def test_a_broken_line_is_refused_alone(desk: Desk) -> None:
    content = b'{"headline":"a"}\n{"headline":\n{"headline":"b"}\n'
    response = await desk.ask("POST", ITEMS, content=content, content_type="application/x-ndjson")
    assert [answer["status"] for answer in lines(response.text)] == [201, 400, 201]


@pytest.mark.parametrize("query", ["?durability=aof", "?durability=aof&existing=update"])
async def test_when_redis_fails_the_rest_of_a_batch_is_not_tried(desk: Desk, query: str) -> None:
    entries = [{"headline": str(number), "uri": f"urn:a:{number}"} for number in range(5)]
    answers = lines((await desk.ask("POST", f"{ITEMS}{query}", entries)).text)
    assert [answer["status"] for answer in answers] == [503] * 5
    assert "appendonly" in answers[4]["problem"]["detail"]


async def test_the_order_of_a_batch_is_the_order_of_the_log(desk: Desk) -> None:
    answers = lines((await desk.ask("POST", ITEMS, [{"headline": str(number)} for number in range(250)])).text)
    assert [int(answer["event"].partition("-")[2]) for answer in answers] == [*range(1, 251)]
    assert [answer["item"]["headline"] for answer in answers] == [str(number) for number in range(250)]


async def test_the_bounds_of_a_batch(desk: Desk) -> None:
    told(await desk.ask("POST", ITEMS, [{"headline": "a"}], idempotency_key="k"), 400)
    assert "1,000 are allowed" in told(await desk.ask("POST", ITEMS, [{}] * 1001), 413)
    big = b" " * (4 * 1024 * 1024 + 1)
    told(await desk.ask("POST", ITEMS, content=big, content_type="application/x-ndjson"), 413)
    assert (await desk.ask("POST", ITEMS, [])).text == ""


async def test_a_batch_counts_for_as_many_as_it_holds(desk: Desk) -> None:
    class Bounds:
        def __init__(self) -> None:
            self.left = 3

        def charge(self, caller: Caller, count: int) -> None:
            if count > self.left:
                raise TooManyRequests("slower", retry_after=7)
            self.left -= count

    bounds, app = Bounds(), desk.app

    async def bounded(scope: Any, receive: Any, send: Any) -> None:
        scope["livefeed.authority"] = bounds
        await app(scope, receive, send)

    desk.app = bounded
    assert (await desk.ask("POST", ITEMS, [{"headline": "a"}, {"headline": "b"}])).status_code == 200
    response = await desk.ask("POST", ITEMS, [{"headline": "a"}, {"headline": "b"}])
    told(response, 429)
    assert response.headers["retry-after"] == "7"
    assert (await desk.ask("POST", ITEMS, {"headline": "c"})).status_code == 201
