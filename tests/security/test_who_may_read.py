"""A private feed is not there for who may not read it: not live, not replayed, not listed, not counted."""

from __future__ import annotations

import json

import pytest
from websockets.exceptions import InvalidStatus

from tests.security.tokens import token
from tests.served import Server

READS = [
    "/v1/feeds/secret",
    "/v1/feeds/secret/items",
    "/v1/feeds/secret/items?q=canary",
    "/v1/feeds/secret/items/ITEM",
    "/v1/feeds/secret/events",
    "/v1/feeds/secret/events?last=10",
    "/v1/feeds/secret/events?after=0-0",
    "/v1/feeds/secret/events?since=1h",
    "/v1/feeds/secret/feed.json",
    "/v1/feeds/secret/feed.atom",
    "/v1/feeds/secret/feed.rss",
    "/v1/feeds/secret/feed.ninjs",
    "/v1/feeds/secret/feed.jsonld",
    "/read/secret",
    "/read/secret/ITEM",
    "/wall/secret",
]


@pytest.fixture(scope="module")
def item(server: Server) -> str:
    with server.client() as admin:
        answer = admin.post("/v1/feeds/secret/items", json={"headline": "A canary of the secret feed", "uri": "urn:secret:1"})
        return str(answer.json()["item"]["id"])


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("accept", ["*/*", "text/event-stream", "application/json"])
def test_nobody_reads_a_private_feed(server: Server, item: str, path: str, accept: str) -> None:
    page = path.startswith(("/read", "/wall"))
    for key, status in ((None, 401), (token(read=["world", "secre", "secret.*", "secrets"]), 403)):
        with server.client(key, accept=accept) as client, client.stream("GET", path.replace("ITEM", item)) as answer:
            if page and answer.status_code == 200:
                # A page without its news: what it shows comes over the API.
                assert b"canary" not in answer.read()
            elif answer.status_code != 406:
                assert answer.status_code == status
                assert b"canary" not in answer.read()


@pytest.mark.parametrize("path", READS)
def test_who_was_granted_it_reads_it(server: Server, item: str, path: str) -> None:
    with server.client(token(read=["secret"])) as client, client.stream("GET", path.replace("ITEM", item)) as answer:
        assert answer.status_code == 200


def test_the_list_of_feeds_has_those_that_the_caller_may_read(server: Server) -> None:
    shown = {}
    for name, key in {"nobody": None, "reader": token(read=["sport.*"]), "editor": token(edit=["secret"])}.items():
        with server.client(key) as client:
            shown[name] = {feed["name"] for feed in client.get("/v1/feeds").json()["feeds"]}
    assert shown["nobody"] & {"secret", "sport.secret"} == set()
    assert shown["reader"] & {"secret", "sport.secret"} == {"sport.secret"}
    assert shown["editor"] & {"secret", "sport.secret"} == {"secret"}


@pytest.mark.parametrize(("key", "status"), [(None, 401), (token(read=["world"]), 403)])
def test_a_websocket_hears_nothing_of_a_private_feed(server: Server, key: str | None, status: int) -> None:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with pytest.raises(InvalidStatus) as refused:
        server.websocket("/v1/feeds/secret/events?last=5", additional_headers=headers)
    assert refused.value.response.status_code == status
    with server.websocket("/v1/ws", additional_headers=headers) as socket:
        for start in ({}, {"last": 5}, {"after": "0-0"}, {"since": "1h"}):
            socket.send(json.dumps({"op": "subscribe", "ref": 1, "feed": "secret", **start}))
            answer = json.loads(socket.recv(10))
            assert answer["problem"]["status"] == status
            assert "canary" not in json.dumps(answer)


def test_a_cursor_of_a_private_feed_opens_nothing_and_tells_nothing(server: Server, item: str) -> None:
    """Its numbers are no more than a position: on another feed it is one that nobody knows."""
    with server.client() as admin:
        head = admin.get("/v1/feeds/secret/events?after=0-0", headers={"accept": "application/json"}).json()["cursor"]
    with server.client(None, accept="application/json") as client:
        answer = client.get(f"/v1/feeds/world/events?after={head}")
        assert answer.status_code == 200
        assert "canary" not in answer.text
        assert answer.json()["resumed"] is False


def test_a_grant_that_was_taken_away_ends_replay_too(server: Server, item: str) -> None:
    with server.client() as admin:
        made = admin.post("/v1/keys", json={"name": "reader", "grants": {"read": ["secret"]}}).json()
        with server.client(made["key"], accept="application/json") as reader:
            page = reader.get("/v1/feeds/secret/events?after=0-0")
            assert page.status_code == 200
            admin.delete(f"/v1/keys/{made['id']}")
            again = reader.get(f"/v1/feeds/secret/events?after={page.json()['cursor']}")
    assert again.status_code == 401
    less = token(read=["world"])
    with server.client(less, accept="application/json", last_event_id=page.json()["cursor"]) as reader:
        assert reader.get("/v1/feeds/secret/events").status_code == 403


def test_a_feed_that_is_not_there_looks_like_nothing(server: Server) -> None:
    with server.client(token(read=["world"])) as client:
        assert client.get("/v1/feeds/nowhere/items").status_code == 404


CURSORS = ["18446744073709551616-1", "-1-1", "1-18446744073709551616", "1_0-1", "\uff11-1", "1-1-1", "abc", "1", "-"]
CURSORS += ["1-1\x00", " 1-1", "1-1\n", "1-1/../secret", "*", "$", "+"]


@pytest.mark.parametrize("cursor", CURSORS)
def test_forged_cursors_are_400_or_a_reset(server: Server, cursor: str) -> None:
    with server.client(None, accept="application/json") as client:
        assert client.get("/v1/feeds/world/events", params={"after": cursor}).status_code == 400
    if cursor.isprintable() and cursor.strip() == cursor:
        headers = [(b"accept", b"text/event-stream"), (b"last-event-id", cursor.encode())]
        with server.client(None) as client, client.stream("GET", "/v1/feeds/world/events", headers=headers) as answer:
            assert answer.status_code == 200
            heard = ""
            for chunk in answer.iter_text():
                heard += chunk
                if "event: reset" in heard:
                    break
            assert '"resumed":false' in heard


@pytest.mark.parametrize("path", ["/metrics", "/v1/keys", "/v1/audit"])
def test_what_is_for_operators_is_not_for_the_world(server: Server, path: str) -> None:
    with server.client(None, x_forwarded_for="203.0.113.9") as client:
        assert client.get(path).status_code == 401
    with server.client(token(edit=["*"]), x_forwarded_for="203.0.113.9") as client:
        assert client.get(path).status_code == 403
    with server.client(x_forwarded_for="203.0.113.9") as client:
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/debug", "/debug/vars", "/debug/pprof", "/admin", "/console", "/status", "/.env", "/.git/config"]
)
def test_there_is_nothing_for_developers(server: Server, path: str) -> None:
    with server.client() as client:
        assert client.get(path).status_code == 404


def test_a_page_whose_name_was_made_to_lead_here_reads_no_metrics(server: Server) -> None:
    """DNS rebinding: the browser is on this machine, and the page is not."""
    with server.client(None) as client:
        assert client.get("/metrics").status_code == 200
        for host in ("evil.example", f"evil.example:{server.address[1]}", "127.0.0.1.evil.example", "localhost.evil.example"):
            assert client.get("/metrics", headers={"host": host}).status_code == 401
