"""Nothing is published, changed or administered without a credential that grants it."""

from __future__ import annotations

import json
from inspect import getsource
from typing import Any

import httpx2
import pytest

from livefeed.auth.keys import Keys
from tests.security.timing import compare, measure, wrong_keys
from tests.security.tokens import token
from tests.served import ADMIN_KEY, Server

ITEM = {"headline": "Storm"}
FEED = "/v1/feeds/world"


@pytest.fixture(scope="module")
def item(server: Server) -> str:
    with server.client() as admin:
        answer = admin.post(f"{FEED}/items", json=ITEM)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["item"]["id"])


WRITES: dict[str, tuple[str, str, Any]] = {
    "publish": ("POST", f"{FEED}/items", ITEM),
    "batch": ("POST", f"{FEED}/items", [ITEM]),
    "patch": ("PATCH", f"{FEED}/items/ITEM", {"headline": "Calm"}),
    "hold": ("POST", f"{FEED}/items/ITEM/hold", {}),
    "release": ("POST", f"{FEED}/items/ITEM/release", {}),
    "cancel": ("POST", f"{FEED}/items/ITEM/cancel", {}),
    "send a draft out": ("POST", f"{FEED}/items/ITEM/publish", None),
    "history": ("GET", f"{FEED}/items/ITEM/history", None),
    "make a feed": ("PUT", "/v1/feeds/new", {}),
    "change a feed": ("PUT", "/v1/feeds/world", {"title": "x"}),
    "delete a feed": ("DELETE", "/v1/feeds/world", None),
    "publish to a feed that is not there": ("POST", "/v1/feeds/nowhere/items", ITEM),
    "make a key": ("POST", "/v1/keys", {"name": "x", "grants": {"read": ["*"]}}),
    "list keys": ("GET", "/v1/keys", None),
    "revoke a key": ("DELETE", "/v1/keys/x", None),
    "read the trail": ("GET", "/v1/audit", None),
    "make a ticket": ("POST", "/v1/tickets", None),
    "begin a session": ("POST", "/v1/session", None),
}
BAD = {
    "nothing": "",
    "a wrong key": "Bearer nobody-knows-this-key-of-43-characters-0123",
    "the beginning of the key": f"Bearer {ADMIN_KEY[:-1]}",
    "the key in another case": f"Bearer {ADMIN_KEY.upper()}",
    "not ASCII": "Bearer cl\u00e9-cl\u00e9-cl\u00e9-cl\u00e9-cl\u00e9-cl\u00e9-cl\u00e9-cl\u00e9-cl\u00e9",
    "basic": f"Basic {ADMIN_KEY}",
    "an expired token": "expired",
}


def send(client: httpx2.Client, what: str, item: str) -> httpx2.Response:
    method, path, body = WRITES[what]
    return client.request(method, path.replace("ITEM", item), **({} if body is None else {"json": body}))


@pytest.mark.parametrize("what", WRITES)
@pytest.mark.parametrize("credential", BAD)
def test_without_a_good_credential_it_is_401(server: Server, item: str, what: str, credential: str) -> None:
    value = f"Bearer {token(lasts=-1, admin=True)}" if credential == "an expired token" else BAD[credential]
    with server.client(None) as client:
        if value:
            client.headers = httpx2.Headers([(b"authorization", value.encode("latin-1"))])
        answer = send(client, what, item)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


TOO_LITTLE: list[tuple[str, dict[str, Any]]] = [
    ("publish", {"read": ["*"]}),
    ("publish", {"contribute": ["world"]}),
    ("publish", {"publish": ["sport", "world.*", "worl", "worlds"]}),
    ("patch", {"publish": ["*"]}),
    ("hold", {"publish": ["*"]}),
    ("release", {"publish": ["*"]}),
    ("cancel", {"publish": ["*"], "edit": ["sport"]}),
    ("send a draft out", {"contribute": ["*"]}),
    ("history", {"publish": ["*"]}),
    ("make a feed", {"edit": ["*"]}),
    ("change a feed", {"edit": ["*"]}),
    ("delete a feed", {"edit": ["*"]}),
    ("make a key", {"edit": ["*"]}),
    ("list keys", {"edit": ["*"]}),
    ("revoke a key", {"edit": ["*"]}),
    ("read the trail", {"edit": ["*"]}),
    ("make a key", {}),
    ("publish", {}),
]


@pytest.mark.parametrize(("what", "grants"), TOO_LITTLE)
def test_a_credential_that_grants_too_little_is_403(server: Server, item: str, what: str, grants: dict[str, Any]) -> None:
    with server.client(token(**grants)) as client:
        assert send(client, what, item).status_code == 403


def test_a_publisher_makes_no_feeds(server: Server) -> None:
    with server.client(token(publish=["*"])) as client:
        assert send(client, "publish to a feed that is not there", "").status_code == 404


def test_a_contributor_writes_drafts_that_readers_never_see(server: Server) -> None:
    with server.client(token(contribute=["world"])) as client, server.client(None) as anybody:
        answer = client.post(f"{FEED}/items", json={**ITEM, "draft": True})
        assert answer.status_code == 201
        assert answer.json()["event"] is None
        draft = answer.json()["item"]["id"]
        assert anybody.get(f"{FEED}/items/{draft}").status_code == 404
        assert client.post(f"{FEED}/items/{draft}/publish").status_code == 403
        assert draft not in anybody.get(f"{FEED}/items").text


def test_a_batch_of_a_contributor_publishes_nothing(server: Server) -> None:
    with server.client(token(contribute=["world"])) as client:
        answer = client.post(f"{FEED}/items", json=[ITEM, {**ITEM, "draft": True}])
    statuses = [line.split(b'"status":')[1][:3] for line in answer.content.splitlines()]
    assert statuses == [b"403", b"201"]


def test_a_websocket_publishes_only_what_its_credential_grants(server: Server) -> None:
    for key, status in ((None, 401), (token(read=["*"]), 403), (token(publish=["sport"]), 403)):
        headers = {"authorization": f"Bearer {key}"} if key else {}
        with server.websocket("/v1/ws", additional_headers=headers) as socket:
            socket.send(json.dumps({"op": "publish", "ref": 1, "feed": "world", "item": ITEM}))
            answer = json.loads(socket.recv(10))
            assert (answer["op"], answer["problem"]["status"]) == ("error", status)


def test_the_producer_of_an_item_is_the_credential_and_not_what_it_says(server: Server) -> None:
    with server.client(token("mallory", publish=["world"])) as client:
        answer = client.post(f"{FEED}/items", json={**ITEM, "origin": {"producer": "ada"}})
    assert answer.status_code == 422


def test_timing_tells_nothing_by_construction() -> None:
    """Keys are compared as SHA-256 digests, in constant time; the way there is the same for every wrong key."""
    assert getsource(Keys.find).count("compare_digest") == 2
    assert "==" not in getsource(Keys.find)


def test_the_timing_of_refusals_can_be_measured(server: Server) -> None:
    """The figures are in the documentation: a machine that does something else beside would fail an assertion on them."""
    keys = wrong_keys(ADMIN_KEY, 0)
    assert len({*keys.values(), ADMIN_KEY}) == 3
    assert [len(key) for key in keys.values()] == [len(ADMIN_KEY)] * 2
    assert "standard deviation" in compare(measure(server, keys, 5))
