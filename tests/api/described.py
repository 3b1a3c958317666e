"""Real traffic against the interface's own description: what is answered must be what was announced."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx2
import orjson
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from livefeed.api.docs.asyncapi import asyncapi
from livefeed.api.docs.openapi import openapi

__all__ = ["check_event", "check_response"]


@cache
def document(kind: str) -> dict[str, Any]:
    made = openapi("1") if kind == "openapi" else asyncapi("1")
    # As it is served, so that nothing passes that is no JSON.
    read: dict[str, Any] = orjson.loads(orjson.dumps(made))
    return read


@cache
def validator(kind: str, pointer: str) -> Validator:
    registry: Registry[Any] = Registry().with_resource(kind, DRAFT202012.create_resource(document(kind)))
    return Draft202012Validator({"$ref": f"{kind}#{pointer}"}, registry=registry, format_checker=FormatChecker())


def _escape(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")


def _path(asked: str) -> str | None:
    """The described path that *asked* is one of; the plainest where several match."""
    paths = sorted(document("openapi")["paths"], key=lambda path: path.count("{"))
    for path in paths:
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)), asked):
            return str(path)
    return None


def check_response(response: httpx2.Response) -> None:
    """Status, headers, type and body, as the document says them."""
    method = response.request.method.lower().replace("head", "get")
    path = _path(response.request.url.path)
    operations = document("openapi")["paths"].get(path, {})
    if method not in operations:
        assert response.status_code in (404, 405), f"{method} {response.request.url.path} is not described"
        return
    status = str(response.status_code)
    described = operations[method]["responses"]
    assert status in described, f"{method} {path} answered {status}, described are {', '.join(described)}"
    if not response.content:
        return
    kind = response.headers["content-type"].partition(";")[0]
    assert kind in described[status]["content"], f"{method} {path} answered {status} as {kind}"
    where = f"/paths/{_escape(str(path))}/{method}/responses/{status}/content/{_escape(kind)}/schema"
    if kind.endswith("json") and "schema" in described[status]["content"][kind] and kind != "application/x-ndjson":
        validator("openapi", where).validate(response.json())
    if kind == "application/x-ndjson":
        for line in response.content.splitlines():
            validator("openapi", "/components/schemas/BatchLine").validate(orjson.loads(line))


def check_event(value: dict[str, Any]) -> None:
    """One message of a live connection against the shape that its type, or its `op`, is described with."""
    if "op" in value:
        name = {"token": "Renewed", "publish-draft": "PublishDraft"}.get(value["op"], str(value["op"]).capitalize())
    else:
        family, _, rest = value["type"].removeprefix("live.").partition(".")
        name = {"item": "ItemEvent", "feed": "FeedEvent"}.get(family) or rest.capitalize()
    validator("asyncapi", f"/components/schemas/{name}").validate(value)
