"""The example of an ACL: the server needs what it grants, and it grants nothing that the server does not need."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from websockets.exceptions import ConnectionClosed

from tests.served import ADMIN_KEY, Server, running
from tests.stores import Store

ROOT = Path(__file__).parents[2]
LINES = [line for line in (ROOT / "deploy" / "redis-acl.conf").read_text().splitlines() if line and not line.startswith("#")]

SENT_BY_THE_CLIENT = {"PING", "HELLO", "SELECT", "INFO", "CLIENT|SETINFO", "CLIENT|SETNAME"}
"""By redis-py when it connects, or through a method of its own."""
ASKED_IN_VAIN = {"CONFIG|GET"}


def granted(user: str) -> set[str]:
    line = next(line for line in LINES if line.startswith(f"user {user} "))
    return {word[1:].upper() for word in line.split() if word.startswith("+")}


def named_in_the_code() -> set[str]:
    """Each command that the server's own code or one of its scripts names."""
    code = "\n".join(path.read_text() for path in (ROOT / "livefeed").rglob("*") if path.suffix in {".py", ".lua"})
    scripts = set(re.findall(r"redis\.p?call\(\s*['\"]([A-Za-z]+)['\"]", code))
    calls = r"(?:\b(?:scripts\.)?(?:command|execute_command)|line\.send)\(\s*(?:[\w.]+,\s*)?\"([A-Z]+)\"|return \(\"([A-Z]+)\", "
    sent = {word for words in re.findall(calls, code) for word in words} - {"", "CLIENT", "CONFIG"}
    two = {f"{a}|{b}" for a, b in re.findall(r"\(\s*(?:[\w.]+,\s*)?\"(CLIENT|CONFIG)\",\s*\"([A-Z]+)\"", code)}
    # An HTTP connection has a pipeline too, and it is always `self.pipeline`.
    pipelines = {word.upper() for word in re.findall(r"(?<!self\.)\bpipeline\.([a-z]+)\(", code)} - {"EXECUTE"}
    waits = set(re.findall(r"\(\(\"(WAIT|WAITAOF)\"", code))
    return {command.upper() for command in scripts | sent | two | pipelines | waits}


@pytest.fixture(scope="module")
def guarded() -> Iterator[Store]:
    """A Redis with the ACL of the example, and an operator to look into it."""
    with tempfile.TemporaryDirectory(prefix="livefeed-") as folder:
        acl = Path(folder) / "users.acl"
        acl.write_text(
            "\n".join(["user default on nopass ~* &* +@all", *(line for line in LINES if "user default" not in line)]) + "\n"
        )
        store = Store(Path(folder), "--aclfile", str(acl))
        store.start()
        yield store
        store.kill()


def use_everything(server: Server) -> None:
    """Each endpoint at least once."""
    with server.client() as admin:
        assert admin.put("/v1/feeds/world", json={"title": "World", "retention": {"events": 20, "items": 5}}).status_code == 201
        made = admin.post("/v1/feeds/world/items", json={"headline": "Storm", "uri": "urn:a:1", "tags": ["a", "b"]})
        assert made.status_code == 201
        assert admin.post("/v1/feeds/world/items", json=[{"headline": str(n)} for n in range(40)]).status_code == 200
        again = {"headline": "Storm", "uri": "urn:a:1", "tags": ["b", "c"]}
        assert admin.post("/v1/feeds/world/items?existing=update", json=again).status_code in {200, 201}
        draft = admin.post("/v1/feeds/world/items", json={"headline": "x", "draft": True}, headers={"idempotency-key": "k"})
        late = admin.post("/v1/feeds/world/items", json={"headline": "later", "embargoedUntil": "2099-01-01T00:00:00Z"})
        assert (draft.status_code, late.status_code) == (201, 201)
        item = admin.post("/v1/feeds/world/items", json={"headline": "Fire", "uri": "urn:a:2"}).json()["item"]["id"]
        path = f"/v1/feeds/world/items/{item}"
        answers = [
            admin.patch(path, json={"headline": "Big fire", "pinned": True}),
            admin.get(path + "/history"),
            admin.post(path + "/hold", json={"reason": "checking"}),
            admin.post(path + "/release", json={}),
            admin.post(path + "/cancel", json={"reason": "wrong"}),
            admin.post(f"/v1/feeds/world/items/{draft.json()['item']['id']}/publish"),
            *(admin.get(f"/v1/feeds/world/items{query}") for query in ("", "?tag=a", "?q=storm", "?uri=urn:a:2", "?limit=3")),
            *(admin.get(f"/v1/feeds/world/feed.{kind}") for kind in ("json", "atom", "rss", "ninjs", "jsonld")),
            *(
                admin.get(f"/v1/feeds/world/events?{query}", headers={"accept": "application/json"})
                for query in ("after=0-0", "last=5", "since=1h", "after=1-1", "wait=1")
            ),
            admin.get("/v1/feeds"),
            admin.get("/readyz"),
            admin.post("/v1/tickets"),
            admin.get("/v1/keys"),
            admin.get("/v1/audit"),
        ]
        assert {answer.status_code for answer in answers} == {200, 201}
        sign_in_and_out(server)
        key = admin.post("/v1/keys", json={"name": "x", "grants": {"read": ["*"]}}).json()
        assert admin.delete(f"/v1/keys/{key['id']}").status_code == 204
        ticket = admin.post("/v1/tickets").json()["ticket"]
    with server.websocket(f"/v1/ws?ticket={ticket}") as socket:
        for command in (
            {"op": "subscribe", "feed": "world", "last": 5},
            {"op": "publish", "feed": "world", "item": {"headline": "b"}},
        ):
            socket.send(json.dumps(command))
        socket.recv(10)


def sign_in_and_out(server: Server) -> None:
    with server.client(None, origin=server.url) as browser:
        assert browser.post("/v1/session", headers={"authorization": f"Bearer {ADMIN_KEY}"}).status_code == 201
        assert browser.get("/v1/session").status_code == 200
        headers = {"origin": server.url, "cookie": f"livefeed_session={browser.cookies['livefeed_session']}"}
        with server.websocket("/v1/feeds/world/events", additional_headers=headers) as socket:
            socket.recv(10)
            assert browser.delete("/v1/session").status_code == 204
            with suppress(ConnectionClosed):
                while True:
                    socket.recv(10)


def test_the_server_is_denied_nothing(guarded: Store, tmp_path: Path) -> None:
    with redis.Redis.from_url(guarded.url, decode_responses=True) as operator:
        operator.execute_command("ACL", "LOG", "RESET")
        with running(tmp_path, f"unix://livefeed:CHANGE-ME-1@{guarded.socket}") as server:
            use_everything(server)
            with redis.Redis(unix_socket_path=str(guarded.socket), username="wire", password="CHANGE-ME-2") as wire:
                wire.xadd("livefeed:{world}:inbox", {"item": json.dumps({"headline": "From the wire"})})
                wire.xadd("livefeed:{world}:inbox", {"item": "nonsense"})
            with server.client(None, accept="application/json") as reader:
                while "From the wire" not in (page := reader.get("/v1/feeds/world/items").text):
                    assert page
            with server.client() as admin:
                assert admin.delete("/v1/feeds/world").status_code == 204
        denied = {str(entry["object"]).upper() for entry in operator.acl_log()}
    assert denied - ASKED_IN_VAIN == set()
    assert "NOPERM" not in server.output


@pytest.mark.parametrize(
    "command",
    [
        ["FLUSHALL"],
        ["KEYS", "*"],
        ["CONFIG", "GET", "requirepass"],
        ["CONFIG", "SET", "dir", "/tmp"],
        ["GET", "another:key"],
        ["SUBSCRIBE", "x"],
        ["DEBUG", "SLEEP", "0"],
        ["ACL", "LIST"],
        ["SHUTDOWN"],
        ["REPLICAOF", "127.0.0.1", "1"],
        ["EVAL", "return redis.call('GET', 'another:key')", "0"],
        ["EVAL", "return redis.call('FLUSHALL')", "0"],
    ],
)
def test_the_server_could_do_no_more(guarded: Store, command: list[str]) -> None:
    with (
        redis.Redis(unix_socket_path=str(guarded.socket), username="livefeed", password="CHANGE-ME-1") as server,
        pytest.raises(redis.ResponseError, match=r"(?i)no permission|can't run|not allowed"),
    ):
        server.execute_command(*command)


@pytest.mark.parametrize(
    "command", [["XRANGE", "livefeed:{a}:inbox", "-", "+"], ["XADD", "livefeed:{a}:log", "*", "a", "b"], ["GET", "livefeed:keys"]]
)
def test_a_wire_only_appends_to_inboxes(guarded: Store, command: list[str]) -> None:
    with (
        redis.Redis(unix_socket_path=str(guarded.socket), username="wire", password="CHANGE-ME-2") as wire,
        pytest.raises(redis.ResponseError, match=r"(?i)no permission"),
    ):
        wire.execute_command(*command)


def test_what_is_granted_is_what_is_sent() -> None:
    """A command that somebody begins to use, or no longer uses, has to be written down."""
    assert granted("livefeed") - SENT_BY_THE_CLIENT == named_in_the_code() - SENT_BY_THE_CLIENT - ASKED_IN_VAIN


def test_nobody_comes_in_without_a_password() -> None:
    assert "user default off" in LINES
    assert not any("nopass" in line for line in LINES)
