"""The exceptions, by what the caller can do about them.

* LivefeedError
  x RequestError: the request cannot be served as it is
    - BadRequest 400 (and `livefeed.cursors.BadCursor`), Unauthorized 401, Forbidden 403, NotFound 404, NotAcceptable 406
    - Conflict 409, StaleVersion 412, TooLarge 413, UnsupportedMediaType 415
    + Invalid 422: every field that breaks a rule, by name
    - TooManyRequests 429, Unavailable 503: the same request may succeed later
  x ConfigError: the settings cannot be used

Each class carries the HTTP status with which `livefeed.api.problems` responds (RFC 9457).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

__all__ = [
    "BadRequest",
    "ConfigError",
    "Conflict",
    "FieldError",
    "Forbidden",
    "Invalid",
    "LivefeedError",
    "NotAcceptable",
    "NotFound",
    "RequestError",
    "StaleVersion",
    "TooLarge",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "UnsupportedMediaType",
]


class LivefeedError(Exception):
    """Base class of all exceptions that Livefeed raises deliberately."""


class ConfigError(LivefeedError):
    """A setting is missing, unknown or cannot be used."""


class RequestError(LivefeedError):
    """A request that cannot be served. The message is one sentence for its sender."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "Bad Request"

    @property
    def detail(self) -> str:
        return str(self)

    def problem(self) -> dict[str, Any]:
        """The RFC 9457 problem document."""
        return {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail}


class BadRequest(RequestError):
    pass


class Unauthorized(RequestError):
    status = 401
    title = "Unauthorized"


class Forbidden(RequestError):
    status = 403
    title = "Forbidden"


class NotFound(RequestError):
    status = 404
    title = "Not Found"


class NotAcceptable(RequestError):
    status = 406
    title = "Not Acceptable"


class Conflict(RequestError):
    status = 409
    title = "Conflict"


class StaleVersion(RequestError):
    status = 412
    title = "Precondition Failed"


class TooLarge(RequestError):
    status = 413
    title = "Content Too Large"


class UnsupportedMediaType(RequestError):
    status = 415
    title = "Unsupported Media Type"


@dataclass(frozen=True, slots=True)
class FieldError:
    """A violated rule: a JSON Pointer (RFC 6901) to the field, the rule's short name, and what is expected."""

    pointer: str
    rule: str
    detail: str


class Invalid(RequestError):
    status = 422
    title = "Unprocessable Content"

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(error.detail for error in errors))
        self.errors = errors

    def problem(self) -> dict[str, Any]:
        errors = [{"pointer": e.pointer, "rule": e.rule, "detail": e.detail} for e in self.errors]
        return {**super().problem(), "errors": errors}


class _TryLater(RequestError):
    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        """Seconds, for `Retry-After`."""


class TooManyRequests(_TryLater):
    status = 429
    title = "Too Many Requests"


class Unavailable(_TryLater):
    status = 503
    title = "Service Unavailable"
