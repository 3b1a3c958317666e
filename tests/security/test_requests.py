"""Requests that are not what they seem: smuggled, endless, in another encoding, or named to become something else."""

from __future__ import annotations

import json
import time

import pytest

from tests.served import ADMIN_KEY, Server

HOST = b"Host: feeds.example\r\n"
POST = b"POST /v1/feeds/world/items HTTP/1.1\r\n" + HOST
SMUGGLED: dict[str, tuple[bytes, int]] = {
    "two lengths": (
        POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        400,
    ),
    "length and chunks": (
        POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunks twice": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a length with a sign": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +3\r\n\r\nabc", 400),
    "a folded header": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\r\n c: d\r\n\r\n", 400),
    "a bare CR": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\rc\r\n\r\n", 400),
    "NUL": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\x00c\r\n\r\n", 400),
    "space before the colon": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A : b\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    "a head of 70 KB": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "a path of 70 KB": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 431),
    "a thousand headers": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n" * 1_000 + b"\r\n", 431),
    "not HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n", 400),
    "a method of a line": (b"GET\x01 / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
}


@pytest.mark.parametrize("case", SMUGGLED)
def test_a_request_that_could_be_two_is_none(server: Server, case: str) -> None:
    sent, status = SMUGGLED[case]
    heard = server.exchange(sent)
    assert heard.startswith(b"HTTP/1.1 %d " % status), heard[:200]
    assert heard.count(b"HTTP/1.1 ") == 1


def bomb(depth: int) -> bytes:
    return b'{"headline":' + b"[" * depth + b"]" * depth + b"}"


BODIES: dict[str, tuple[bytes, set[int]]] = {
    "100,000 deep": (bomb(30_000), {400, 413, 422}),
    "1 MB deep": (bomb(500_000), {400, 413}),
    "a number of 5,000 digits": (b'{"urgency":' + b"9" * 5_000 + b"}", {400, 422}),
    "beyond any float": (b'{"urgency":1e999}', {400, 422}),
    "NaN": (b'{"urgency":NaN}', {400}),
    "Infinity": (b'{"urgency":-Infinity}', {400}),
    "a name twice": (b'{"headline":"a","headline":"b"}', {400, 422}),
    "UTF-16": ('{"headline":"a"}'.encode("utf-16"), {400}),
    "UTF-32": ('{"headline":"a"}'.encode("utf-32"), {400}),
    "a byte order mark": (b'\xef\xbb\xbf{"headline":"a"}', {400}),
    "half a surrogate": (b'{"headline":"\\ud800"}', {400, 422}),
    "not UTF-8": (b'{"headline":"\xff\xfe"}', {400}),
    "overlong UTF-8": (b'{"headline":"\xc0\xae"}', {400}),
    "a comment": (b'{"headline":"a"} // b', {400}),
    "two values": (b'{"headline":"a"}{"headline":"b"}', {400}),
    "a single quote": (b"{'headline':'a'}", {400}),
    "nothing": (b"", {400}),
    "null": (b"null", {400, 422}),
    "a string": (b'"headline"', {400, 422}),
    "an array of a million": (b"[" + b"1," * 1_000_000 + b"1]", {400, 413}),
    "10 MB": (b'{"headline":"' + b"a" * 10_000_000 + b'"}', {413}),
    "many names": (b"{" + b",".join(b'"x%d":1' % n for n in range(5_000)) + b"}", {400, 413, 422}),
    "__proto__": (b'{"headline":"a","__proto__":{"admin":true}}', {422}),
}


@pytest.mark.parametrize("case", BODIES)
def test_bodies_that_are_bombs_are_refused_quickly(server: Server, case: str) -> None:
    body, statuses = BODIES[case]
    with server.client() as client:
        began = time.monotonic()
        try:
            answer = client.post("/v1/feeds/world/items", content=body, headers={"content-type": "application/json"})
        except ConnectionError:
            pytest.skip("the connection was closed before the whole body was sent")
        assert answer.status_code in statuses, answer.text
        assert time.monotonic() - began < 5
        assert answer.json()["status"] == answer.status_code


NAMES = [
    "..",
    "%2e%2e",
    "a%2fb",
    "WORLD",
    "caf%C3%A9",
    "w%D0%BErld",
    "a%00b",
    "a%0d%0aX:y",
    "a*",
    "[a-z]",
    "a%3fb",
    "a%5cb",
    "a" * 65,
]
NAMES += [
    "-a",
    ".a",
    "_a",
    "a%20b",
    "%7bworld%7d",
    "world%7d:log%7bx",
    "a%E2%80%A8b",
    "a%0ab",
    "*",
    "%2a",
    "a:b",
    "livefeed:keys",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", ["/v1/feeds/{}", "/v1/feeds/{}/items", "/v1/feeds/{}/events", "/v1/feeds/{}/feed.json"])
def test_names_that_are_no_feeds_become_no_key_and_no_header(server: Server, name: str, path: str) -> None:
    with server.client() as client:
        answer = client.get(path.format(name))
        assert answer.status_code in {400, 404, 405}
        assert "x" not in answer.headers
        if path == "/v1/feeds/{}":
            assert client.put(path.format(name), json={}).status_code in {400, 404, 405}


IDS = ["*", "%2e%2e", "a%0d%0aX:y", "a%00", "%7bworld%7d", "..%2f..%2fkeys", "a" * 1_000, "item:1", "[a-z]*", "%E2%80%A8"]


@pytest.mark.parametrize("name", IDS)
def test_names_that_are_no_items_find_nothing(server: Server, name: str) -> None:
    with server.client() as client:
        for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/hold"), ("POST", "/cancel"), ("GET", "/history")):
            answer = client.request(method, f"/v1/feeds/world/items/{name}{path}", json=None if method == "GET" else {})
            assert answer.status_code in {400, 404, 405}
            assert "x" not in answer.headers


TEXTS = ["a\r\nX: y", "a\x00b", "*", "[a-z]", "{x}", "a:b", "\u2028", "a" * 300, "\ud7ff", "lfk", "'; FLUSHALL", "\u202e"]


@pytest.mark.parametrize("text", TEXTS)
def test_tags_uris_and_keys_stay_words(server: Server, text: str) -> None:
    """They become parts of Redis keys, as digests or folded: never a pattern, and never another key."""
    with server.client() as client:
        item = {"headline": "Words", "tags": [text]}
        answer = client.post(
            "/v1/feeds/world/items",
            json=item,
            headers={"idempotency-key": text.encode("ascii", "replace").decode().replace("\r\n", "").replace("\x00", "")},
        )
        assert answer.status_code in {201, 400, 409, 422}
        answer = client.post("/v1/feeds/world/items", json={"headline": "Words", "uri": text})
        assert answer.status_code in {201, 422}
        found = client.get("/v1/feeds/world/items", params={"tag": text, "uri": text, "q": text, "before": text})
        assert found.status_code in {200, 400}
        assert client.get("/v1/feeds/world/items", params={"q": text}).status_code in {200, 400}
        assert client.get("/v1/feeds/world/items").status_code == 200


PARAMETERS = [
    "tags=x",
    "Tag=x",
    "tag[]=x",
    "limit=1e9",
    "limit=-1",
    "limit=\uff11",
    "last=201",
    "since=tomorrow",
    "urgency=0",
    "after=1-1&after=2-2",
]


@pytest.mark.parametrize("query", PARAMETERS)
def test_a_parameter_that_is_not_understood_is_never_no_filter(server: Server, query: str) -> None:
    with server.client(None, accept="application/json") as client:
        assert client.get(f"/v1/feeds/world/events?{query}").status_code == 400


def test_an_answer_never_repeats_what_it_was_asked_as_markup(server: Server) -> None:
    probe = "<script>alert(1)</script>"
    with server.client() as client:
        for path in (f"/{probe}", f"/v1/feeds/{probe}", f"/read/{probe}", f"/v1/feeds/world/items?{probe}=1"):
            answer = client.get(path)
            assert probe not in answer.text or not answer.headers["content-type"].startswith("text/html")
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_answer_says_what_serves_it(server: Server) -> None:
    with server.client(None) as client:
        for path in ("/", "/livez", "/v1/feeds", "/nowhere", "/v1/feeds/world/feed.json"):
            assert "server" not in client.get(path).headers
    assert b"\r\nserver:" not in server.exchange(b"nonsense\r\n\r\n").lower()


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "PROPFIND", "DELETE", "PUT"])
def test_methods_that_are_not_served_change_nothing(server: Server, method: str) -> None:
    head = f"{method} /v1/feeds/world/items HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_KEY}\r\nConnection: close\r\n\r\n"
    heard = server.exchange(head.encode())
    assert heard.split(b" ")[1] in {b"405", b"400", b"404"}
    assert ADMIN_KEY.encode() not in heard


def test_problems_are_json_that_names_no_files(server: Server) -> None:
    with server.client() as client:
        for answer in (client.get("/v1/feeds/world/items?x=1"), client.post("/v1/feeds/world/items", content=b"{")):
            problem = json.loads(answer.content)
            assert set(problem) >= {"type", "title", "status", "detail"}
            assert ".py" not in answer.text
            assert "Traceback" not in answer.text


DATES = ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00 +99999999999999", "1", "-"]


@pytest.mark.parametrize("date", DATES)
def test_a_date_beyond_all_dates_is_ignored(server: Server, date: str) -> None:
    with server.client(None) as client:
        for path in ("/v1/feeds/world/feed.json", "/v1/feeds/world/feed.atom", "/v1/feeds/world/items", "/read/world"):
            assert client.get(path, headers={"if-modified-since": date}).status_code == 200
