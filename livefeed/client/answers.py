"""HTTP responses as results or exceptions."""

from __future__ import annotations

from typing import Any

import orjson
from httpx2 import Response

from livefeed.exceptions import (
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotAcceptable,
    NotFound,
    RequestError,
    StaleVersion,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)

__all__ = ["error_from", "json_from", "problem_error"]

_PLAIN: dict[int, type[RequestError]] = {
    error.status: error
    for error in (
        BadRequest,
        Conflict,
        Forbidden,
        NotAcceptable,
        NotFound,
        StaleVersion,
        TooLarge,
        Unauthorized,
        UnsupportedMediaType,
    )
}


def json_from(response: Response) -> Any:
    """The parsed body of a successful response. Raises the exception for any other."""
    if not response.is_success:
        raise error_from(response)
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        raise Unavailable(f"{response.url} answered {response.status_code} with something that is not JSON") from error


def error_from(response: Response) -> RequestError:
    """The exception for an error response, from its problem document or else its status."""
    if response.has_redirect_location:
        # Following it would turn a POST into a GET, and could send the key to another host.
        return RequestError(f"the server redirects to {response.headers['location']}: use that address")
    try:
        problem = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": f"{response.url} answered {response.status_code} {response.reason_phrase}"}
    return problem_error(response.status_code, problem, retry_after=_seconds(response.headers.get("retry-after", "")))


def problem_error(status: int, problem: dict[str, Any], *, retry_after: int = 1) -> RequestError:
    """The error that an RFC 9457 problem document describes."""
    detail = str(problem.get("detail") or problem.get("title") or f"the server answered {status}")
    if status == Invalid.status:
        return Invalid(*_field_errors(problem, detail))
    if status == TooManyRequests.status:
        return TooManyRequests(detail, retry_after=retry_after)
    if status >= 500:
        return Unavailable(detail, retry_after=retry_after)
    return _PLAIN.get(status, RequestError)(detail)


def _field_errors(problem: dict[str, Any], detail: str) -> list[FieldError]:
    listed = problem.get("errors")
    errors = [
        FieldError(str(e.get("pointer", "")), str(e.get("rule", "")), str(e.get("detail", "")))
        for e in (listed if isinstance(listed, list) else [])
        if isinstance(e, dict)
    ]
    return errors or [FieldError("", "", detail)]


def _seconds(retry_after: str) -> int:
    # RFC 9110 allows a date as well; our server sends seconds, and a date from a proxy would depend on two clocks.
    return min(int(retry_after), 3600) if retry_after.isascii() and retry_after.isdigit() else 1
