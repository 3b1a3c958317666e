"""The building blocks of the OpenAPI document: operations, parameters, responses."""

from __future__ import annotations

from collections.abc import Iterable

from livefeed.api.docs.schemas import Schema, ref
from livefeed.api.problems import PROBLEM_JSON

__all__ = ["FEED", "JSON", "MERGE", "NDJSON", "answer", "content", "header", "operation", "query", "whole"]

JSON, NDJSON, MERGE = "application/json", "application/x-ndjson", "application/merge-patch+json"

_TITLES = {
    400: "The body is not JSON, or a parameter is invalid or unknown",
    401: "The credential is missing or invalid",
    403: "The credential does not grant this",
    404: "Not found",
    406: "Not available as any of the accepted media types",
    409: "In conflict with the current state",
    412: "The item is not at the version that If-Match names",
    413: "The body is too large",
    415: "The media type is not supported",
    422: "Fields are invalid; `errors` lists each of them",
    429: "Too many requests; Retry-After says when to try again",
    503: "Redis is unavailable; Retry-After says when to try again",
}


def _problems(*statuses: int) -> Schema:
    """The error responses: those that every operation can have, and *statuses*."""
    known = sorted({400, 401, 403, 404, 429, 503, *statuses})
    return {str(status): {"description": _TITLES[status], "content": content(PROBLEM_JSON, ref("Problem"))} for status in known}


def content(media_type: str, schema: Schema | None = None) -> Schema:
    return {media_type: {"schema": schema} if schema else {}}


def answer(description: str, schema: Schema | None = None, media_type: str = JSON, headers: Iterable[str] = ()) -> Schema:
    described: Schema = {"description": description}
    if schema is not None:
        described["content"] = content(media_type, schema)
    if told := {name: {"schema": {"type": "string"}} for name in headers}:
        described["headers"] = told
    return described


def query(name: str, schema: Schema, description: str = "") -> Schema:
    return {"name": name, "in": "query", "schema": schema, **({"description": description} if description else {})}


def header(name: str, description: str) -> Schema:
    return {"name": name, "in": "header", "schema": {"type": "string"}, "description": description}


def whole(least: int, most: int, default: int | None = None) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, **({} if default is None else {"default": default})}


FEED: Schema = {
    "name": "feed",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"},
}
_OPEN: list[dict[str, list[str]]] = [{}, {"bearer": []}]


def operation(
    name: str,
    summary: str,
    answers: Schema,
    problems: tuple[int, ...] = (),
    *,
    parameters: Iterable[Schema] = (),
    body: Schema | None = None,
    required: bool = True,
    public: bool = False,
) -> Schema:
    described: Schema = {"operationId": name, "summary": summary}
    if found := list(parameters):
        described["parameters"] = found
    if body:
        described["requestBody"] = {"required": required, "content": body}
    if public:
        described["security"] = _OPEN
    return {**described, "responses": {**answers, **_problems(*problems)}}
