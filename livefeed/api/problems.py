"""Exceptions as responses: problem documents (RFC 9457) with their headers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ExceptionHandler
from starlette.websockets import WebSocket

from livefeed.exceptions import RequestError, TooManyRequests, Unauthorized, Unavailable

__all__ = ["HANDLERS", "LATE", "PROBLEM_JSON", "problem_response"]

PROBLEM_JSON = "application/problem+json"
LATE = 0.05
"""Seconds that a `429` waits. A client that repeats its request at once, instead of after `Retry-After`, would otherwise cost as
much as if it had no limit."""


def problem_response(error: RequestError) -> Response:
    headers = {}
    if isinstance(error, TooManyRequests | Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return _response(error.problem(), headers)


def _response(problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    # A problem concerns this request only and must not be cached.
    return Response(
        orjson.dumps(problem),
        problem["status"],
        {"Cache-Control": "no-store", **(headers or {})},
        media_type=PROBLEM_JSON,
    )


async def _request_error(connection: Request | WebSocket, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    if isinstance(error, TooManyRequests):
        await asyncio.sleep(LATE)
    return await _answer(connection, problem_response(error))


async def _http_exception(connection: Request | WebSocket, error: Exception) -> Response:
    """The router's own errors: unknown path, unknown method."""
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    detail = {
        404: "there is nothing at this path",
        405: "this path does not support that method: the Allow header lists the supported ones",
    }.get(error.status_code, error.detail)
    problem = {"type": "about:blank", "title": title, "status": error.status_code, "detail": detail}
    headers = {"Allow": _methods(connection)} if error.status_code == 405 else error.headers
    return await _answer(connection, _response(problem, headers))


def _methods(connection: Request | WebSocket) -> str:
    """All methods of the path (RFC 9110, 15.5.6): the router itself only names those of the first matching route."""
    routes = [route for route in connection.scope["router"].routes if isinstance(route, Route)]
    here = [route for route in routes if route.matches(connection.scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for route in here for method in route.methods or ()}))


async def _accident(connection: Request | WebSocket, _error: Exception) -> Response:
    """An internal error. Its text may contain anything, so it is logged and not sent."""
    problem = {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "an internal error occurred and has been logged",
    }
    return await _answer(connection, _response(problem))


async def _answer(connection: Request | WebSocket, response: Response) -> Response:
    if isinstance(connection, WebSocket):
        await connection.send_denial_response(response)
    return response


HANDLERS: Mapping[Any, ExceptionHandler] = {
    RequestError: _request_error,
    HTTPException: _http_exception,
    Exception: _accident,
}
"""For `Starlette(exception_handlers=HANDLERS)`."""
