from __future__ import annotations

from collections.abc import Sequence

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from livefeed.api.health import Health
from livefeed.api.problems import HANDLERS
from livefeed.grants import Caller, Role


class As:
    """The application as *caller* reaches it."""

    def __init__(self, app: ASGIApp, caller: Caller) -> None:
        self._app = app
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["livefeed.caller"] = self._caller
        await self._app(scope, receive, send)


def client(*faults: str, peer: str = "127.0.0.1", caller: Caller = Caller.ANONYMOUS) -> TestClient:
    async def found() -> Sequence[str]:
        return faults

    async def figures() -> bytes:
        return b"livefeed_up 1\n"

    health = Health(found, figures)
    app = Starlette(routes=health.routes(), exception_handlers=HANDLERS)
    return TestClient(As(app, caller), base_url="http://127.0.0.1", client=(peer, 1))


def test_live_whatever_redis_does() -> None:
    assert client("Redis does not answer").get("/livez").status_code == 200


def test_ready() -> None:
    answer = client().get("/readyz")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


def test_not_ready_says_why() -> None:
    answer = client("Redis does not answer", "the tail of world is stale").get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["detail"] == "Redis does not answer; the tail of world is stale"


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1"])
def test_metrics_for_loopback(peer: str) -> None:
    answer = client(peer=peer).get("/metrics")
    assert answer.text == "livefeed_up 1\n"
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
def test_metrics_not_for_who_comes_through_a_proxy_on_this_machine(header: str) -> None:
    assert client().get("/metrics", headers={header: "127.0.0.1"}).status_code == 401


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        (Caller.ANONYMOUS, 401),
        (Caller("reader", {Role.EDIT: ("*",)}), 403),
        (Caller("operator", {Role.ADMIN: ("*",)}), 200),
    ],
)
def test_metrics_for_admins_from_anywhere(caller: Caller, status: int) -> None:
    assert client(peer="192.0.2.1", caller=caller).get("/metrics").status_code == status
