"""Liveness, readiness and metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from livefeed.api.requests import caller_of
from livefeed.exceptions import Unavailable
from livefeed.grants import Role
from livefeed.hosts import is_loopback

__all__ = ["Health"]

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Health:
    """The endpoints for monitoring.

    *faults* returns the reasons why the server is not ready; *metrics* the Prometheus text format.
    """

    def __init__(self, faults: Callable[[], Awaitable[Sequence[str]]], metrics: Callable[[], Awaitable[bytes]]) -> None:
        self._faults = faults
        self._metrics = metrics

    def routes(self) -> list[Route]:
        return [
            Route("/livez", self.live, methods=["GET"]),
            Route("/readyz", self.ready, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
        ]

    async def live(self, _: Request) -> Response:
        """200 whenever the event loop runs: an outage of Redis is no reason to restart this process."""
        return _answer(b'{"status":"alive"}', "application/json")

    async def ready(self, _: Request) -> Response:
        if faults := await self._faults():
            raise Unavailable("; ".join(faults))
        return _answer(b'{"status":"ready"}', "application/json")

    async def metrics(self, request: Request) -> Response:
        if not _is_local(request):
            caller_of(request).require(Role.ADMIN, "*")
        return _answer(await self._metrics(), "text/plain; version=0.0.4; charset=utf-8")


def _answer(body: bytes, media_type: str) -> Response:
    return Response(body, headers={"Cache-Control": "no-store"}, media_type=media_type)


def _is_local(request: Request) -> bool:
    """Whether the request comes from this machine itself, and not through a proxy on it.

    The Host header must name this machine too, because of DNS rebinding: a web page could make a local browser ask.
    """
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    return is_loopback(request.client.host) and is_loopback(request.url.hostname or "")
