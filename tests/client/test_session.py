from __future__ import annotations

import subprocess
import sys

import orjson
import pytest

import livefeed
from livefeed import Item, Livefeed, Published
from livefeed.exceptions import (
    BadRequest,
    Conflict,
    Invalid,
    RequestError,
    StaleVersion,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from tests.scripted import answer, problem, scripted

ITEM: Item = {"id": "a1", "uri": "urn:x:1", "version": 1, "headline": "One."}


async def test_publish_names_its_call() -> None:
    async with scripted(answer(201, {"event": "1-1", "item": ITEM})) as server, Livefeed(server.url, "key") as lf:
        published = await lf.publish("world", {"headline": "One."})

    assert published == Published("1-1", ITEM, True)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/feeds/world/items")
    assert orjson.loads(request.body) == {"headline": "One."}
    assert len(request.headers["idempotency-key"]) == 32


@pytest.mark.parametrize(
    "fault", [b"", problem(503, "no", "Retry-After: 0"), b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{"]
)
async def test_a_call_whose_answer_is_lost_is_repeated_under_its_name(fault: bytes) -> None:
    async with scripted(fault, answer(200, {"event": "1-1", "item": ITEM})) as server, Livefeed(server.url) as lf:
        published = await lf.publish("world", {"headline": "One."})

    assert published == Published("1-1", ITEM, False)
    first, second = server.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


async def test_patience_ends() -> None:
    async with scripted(b"", b"") as server, Livefeed(server.url, patience=0) as lf:
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1.* cannot be reached"):
            await lf.publish("world", {"headline": "One."})
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, BadRequest), (401, Unauthorized), (409, Conflict), (418, RequestError), (429, TooManyRequests), (500, Unavailable)],
)
async def test_refusals_are_typed(status: int, error: type[RequestError]) -> None:
    async with scripted(problem(status, "because", "Retry-After: 7")) as server, Livefeed(server.url, patience=0) as lf:
        with pytest.raises(error, match="because") as raised:
            await lf.publish("world", {"headline": "One."})
    assert type(raised.value) is error
    if isinstance(raised.value, TooManyRequests | Unavailable):
        assert raised.value.retry_after == 7


async def test_broken_rules_are_told_by_field() -> None:
    broken = {"pointer": "/urgency", "rule": "range", "detail": "urgency: 1 to 9"}
    async with scripted(problem(422, "x", errors=[broken])) as server, Livefeed(server.url) as lf:
        with pytest.raises(Invalid, match="urgency: 1 to 9") as raised:
            await lf.publish("world", {"headline": "One.", "urgency": 11})
    (error,) = raised.value.errors
    assert (error.pointer, error.rule) == ("/urgency", "range")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", "404 Not Found"),
        (b"HTTP/1.1 422 X\r\nContent-Length: 2\r\n\r\n{}", "the server answered 422"),
        (b"HTTP/1.1 301 X\r\nLocation: https://there/\r\nContent-Length: 0\r\n\r\n", "redirects to https://there/"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope", "not JSON"),
    ],
)
async def test_answers_of_somebody_else_are_told_as_they_are(reply: bytes, said: str) -> None:
    async with scripted(reply) as server, Livefeed(server.url) as lf:
        with pytest.raises(RequestError, match=said):
            await lf.get("world", "a1")


async def test_a_patch_says_which_version_it_was_made_from() -> None:
    changed: Item = {**ITEM, "version": 2, "headline": "Two."}
    async with scripted(answer(200, {"event": "1-2", "item": changed})) as server, Livefeed(server.url) as lf:
        assert await lf.patch("world", "a1", {"headline": "Two."}, version=1) == Published("1-2", changed)
    (request,) = server.requests
    assert request.method == "PATCH"
    assert request.path == "/v1/feeds/world/items/a1"
    assert request.headers["if-match"] == '"1"'
    assert request.headers["content-type"] == "application/merge-patch+json"


async def test_a_repeated_patch_knows_its_own_work() -> None:
    changed: Item = {**ITEM, "version": 2, "headline": "Two."}
    async with scripted(b"", problem(412, "stale"), answer(200, changed)) as server, Livefeed(server.url) as lf:
        assert await lf.patch("world", "a1", {"headline": "Two.", "link": None}, version=1) == Published(None, changed)
    assert [request.method for request in server.requests] == ["PATCH", "PATCH", "GET"]


async def test_somebody_elses_work_is_not_taken_for_ones_own() -> None:
    theirs = {**ITEM, "version": 2, "headline": "Theirs."}
    replies = (problem(412, "stale"), b"", problem(412, "stale"), answer(200, theirs))
    async with scripted(*replies) as server, Livefeed(server.url) as lf:
        for _ in range(2):
            with pytest.raises(StaleVersion):
                await lf.patch("world", "a1", {"headline": "Two."}, version=1)


async def test_a_repeated_release_knows_its_own_work() -> None:
    usable: Item = {**ITEM, "pubStatus": "usable", "headline": "Right."}
    replies = (b"", problem(409, "usable"), answer(200, usable), problem(409, "usable"))
    async with scripted(*replies) as server, Livefeed(server.url) as lf:
        assert await lf.release("world", "a1", changes={"headline": "Right."}) == Published(None, usable)
        with pytest.raises(Conflict):
            await lf.release("world", "a1", changes={"headline": "Right."})
    assert orjson.loads(server.requests[0].body) == {"headline": "Right."}


async def test_verbs() -> None:
    done = answer(200, {"event": "1-2", "item": ITEM})
    async with scripted(*[done] * 5) as server, Livefeed(server.url) as lf:
        await lf.hold("world", "a1", reason="lawyers look")
        await lf.release("world", "a1")
        await lf.cancel("world", "a1")
        await lf.publish_draft("world", "a/1")
        await lf.update("world", ITEM)
    assert [request.path.rpartition("items/")[2] for request in server.requests[:4]] == [
        "a1/hold",
        "a1/release",
        "a1/cancel",
        "a%2F1/publish",
    ]
    assert orjson.loads(server.requests[0].body) == {"reason": "lawyers look"}
    assert server.requests[1].body == b""
    assert server.requests[4].query == [("existing", "update")]


async def test_update_needs_to_know_which() -> None:
    async with Livefeed() as lf:
        with pytest.raises(BadRequest, match="uri"):
            await lf.update("world", {"headline": "One."})


async def test_a_walk_goes_from_page_to_page() -> None:
    def page(*ids: str, following: str | None) -> bytes:
        return answer(200, {"items": [{"id": name} for name in ids], "cursor": "9-9", "next": following})

    async with scripted(page("a", "b", following="p2"), page("c", following=None)) as server, Livefeed(server.url) as lf:
        assert [item["id"] async for item in lf.items("world", tags=("x",), q="flood")] == ["a", "b", "c"]
    assert server.requests[0].query == [("tag", "x"), ("limit", "100"), ("q", "flood")]
    assert ("before", "p2") in server.requests[1].query


async def test_lists_and_feeds() -> None:
    replies = (answer(200, {"items": [], "cursor": "9-9", "next": None}), answer(200, {"feeds": [{"name": "world"}]}))
    async with scripted(*replies) as server, Livefeed(server.url + "/base/") as lf:
        page = await lf.list("world", uri="urn:x:1")
        assert (page.items, page.cursor, page.next) == ([], "9-9", None)
        assert await lf.feeds() == [{"name": "world"}]
    assert [request.path for request in server.requests] == ["/base/v1/feeds/world/items", "/base/v1/feeds"]


async def test_no_proxy_comes_between_us_and_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted() as proxy, scripted(answer(200, {"feeds": []})) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with Livefeed(server.url, "key") as lf:
            assert await lf.feeds() == []
    assert proxy.requests == []


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://x/", "http://"])
def test_addresses_are_checked(url: str) -> None:
    with pytest.raises(BadRequest, match="http://"):
        Livefeed(url)


def test_the_package_shows_the_client_without_loading_it() -> None:
    for name in livefeed.__all__:
        assert getattr(livefeed, name)
    with pytest.raises(AttributeError, match="nonsense"):
        livefeed.nonsense  # noqa: B018
    code = "import livefeed, sys; sys.exit('httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
