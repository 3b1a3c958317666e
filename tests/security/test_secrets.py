"""Secrets go in by every way that there is; then everything that the server said is searched for them."""

from __future__ import annotations

import json
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
import redis
from websockets.exceptions import InvalidStatus, WebSocketException

from tests.security.tokens import token
from tests.served import Server, running
from tests.stores import Store


def canary() -> str:
    return f"canary{secrets.token_hex(16)}"


ADMIN, SIGNING, REDIS = (f"{name}-{canary()}" for name in ("Admin", "Signing", "Redis"))


class Shown:
    """Every secret that was shown to the server, and every answer that it gave."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.secrets = [ADMIN, SIGNING, REDIS]
        self.answers: list[str] = []

    def new(self) -> str:
        self.secrets.append(canary())
        return self.secrets[-1]

    def send(self, method: str, path: str, *, key: str | None = None, **options: object) -> httpx2.Response:
        with self.server.client(key, accept="application/json") as client:
            answer = client.request(method, path, **options)  # type: ignore[arg-type]  # passed on as it is
        self.answers.append(f"{answer.status_code} {answer.headers} {answer.text}")
        return answer

    def found(self, texts: list[str]) -> list[str]:
        """Each secret that is in a text, with what stands around it."""
        found = [(text, text.index(secret)) for text in texts for secret in self.secrets if secret in text]
        return [text[max(0, place - 200) : place + 200] for text, place in found]


def show_on_requests(shown: Shown) -> None:
    """In headers, addresses, cookies and bodies; good ones, bad ones, and in places where none belongs."""
    for path in ("/v1/feeds", "/v1/feeds/world/events?last=1", "/nowhere", "/readyz", "/metrics", "/desk/world"):
        shown.send("GET", path, key=shown.new())
        shown.send("GET", f"{path}{'&' if '?' in path else '?'}token={shown.new()}")
        shown.send("GET", path, headers={"cookie": f"livefeed_session={shown.new()}"})
        shown.send("GET", path, headers={"authorization": f"Basic {shown.new()}"})
        shown.send("GET", path, headers={"x-api-key": shown.new(), "proxy-authorization": shown.new()})
    shown.send("GET", f"/v1/ws?ticket={shown.new()}")
    for path in ("/v1/feeds/world/items", "/v1/keys"):
        broken = f'{{"name":"{shown.new()}'.encode()
        shown.send("POST", path, key=ADMIN, content=broken, headers={"content-type": "application/json"})
    shown.send("POST", "/v1/feeds/world/items", key=ADMIN, json={"headline": "a", "edNote": shown.new()})


def show_what_is_made(shown: Shown) -> None:
    """What the server itself hands out: shown once to whom it is for, and nowhere else."""
    for path, body in (("/v1/keys", {"name": "made", "grants": {"read": ["*"]}}), ("/v1/tickets", None)):
        with shown.server.client(ADMIN) as client:
            made = client.post(path, json=body).json()
            shown.secrets.append(made.get("key") or made["ticket"])
    with shown.server.client(ADMIN) as client:
        shown.secrets.append(client.post("/v1/session").headers["set-cookie"].partition(";")[0].partition("=")[2])
    for secret in shown.secrets[-3:]:
        shown.send("GET", "/v1/feeds", key=secret)
        with suppress(InvalidStatus):
            shown.server.websocket(f"/v1/ws?ticket={secret}").close()


def show_on_websockets(shown: Shown) -> None:
    with suppress(InvalidStatus):
        shown.server.websocket("/v1/ws", additional_headers={"authorization": f"Bearer {shown.new()}"})
    with shown.server.websocket("/v1/ws") as opened:
        for command in (
            {"op": "token", "token": shown.new()},
            {"op": "token", "token": shown.new() * 100},
            {"op": shown.new()},
            {"op": "publish", "feed": "world", "item": {"headline": "a", "edNote": shown.new()}},
        ):
            opened.send(json.dumps(command))
            answer = str(opened.recv(10))
            if command["op"] in {"token", "publish"}:
                shown.answers.append(answer)
        with suppress(WebSocketException):
            opened.send(b"\xff" + shown.new().encode(), text=True)
            opened.recv(10)


def show_while_redis_is_away(shown: Shown, store: Store) -> None:
    """When things fail, and exceptions with everything in reach are logged."""
    store.kill()
    made_up = [f"lfk_aaaaaaaaaa_{canary()}{'A' * 5}", token(admin=True)]
    for key in (ADMIN, shown.new(), *made_up):
        shown.secrets.append(key)
        for method, path, body in (
            ("GET", "/v1/feeds", None),
            ("POST", "/v1/feeds/world/items", {"headline": "a", "edNote": shown.new()}),
            ("POST", "/v1/keys", {"name": "x", "grants": {"admin": True}}),
            ("POST", "/v1/session", None),
            ("POST", "/v1/tickets", None),
        ):
            assert shown.send(method, path, key=key, json=body).status_code in {401, 503}
    shown.send("GET", "/v1/feeds", headers={"cookie": f"livefeed_session={'A' * 11}{shown.new()[:32]}"})


@pytest.mark.timeout(180)
def test_no_secret_is_ever_said(tmp_path: Path) -> None:
    settings = {"LIVEFEED_ADMIN_KEY": ADMIN, "LIVEFEED_TOKEN_SECRET": SIGNING, "LIVEFEED_LOG_LEVEL": "debug"}
    with tempfile.TemporaryDirectory(prefix="livefeed-") as folder:
        store = Store(Path(folder))
        store.start()
        with redis.Redis.from_url(store.url) as client:
            client.config_set("requirepass", REDIS)
        with running(tmp_path, f"unix://:{REDIS}@{store.socket}", **settings) as server:
            shown = Shown(server)
            shown.send("PUT", "/v1/feeds/world", key=ADMIN, json={})
            show_on_requests(shown)
            show_what_is_made(shown)
            show_on_websockets(shown)
            shown.send("GET", "/metrics")
            shown.send("GET", "/v1/audit", key=ADMIN)
            titles = [Path(f"/proc/{pid}/cmdline").read_text() for pid in server.pids]
            show_while_redis_is_away(shown, store)
            server.stop()
            assert "Traceback" not in "".join(shown.answers)
            assert len(shown.secrets) > 60
            assert shown.found([server.output, *titles, *shown.answers]) == []
        store.kill()
