"""Counting responses by the class of their status."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livefeed.counters import Counters

__all__ = ["CountingMiddleware"]


class CountingMiddleware:
    """Counts responses by status class."""

    def __init__(self, app: ASGIApp, counters: Counters) -> None:
        self._app = app
        self._counters = counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(message["status"])
            await send(message)

        return await self._app(scope, receive, counted)

    def _count(self, status: int) -> None:
        if status >= 500:
            self._counters.responses_server_error += 1
        elif status >= 400:
            self._counters.responses_client_error += 1
        elif status >= 300:
            self._counters.responses_redirect += 1
        else:
            self._counters.responses_ok += 1
