"""The HTTP interface as an OpenAPI 3.1 document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from livefeed.api.docs.schemas import Schema, components, ref
from livefeed.api.formats.endpoints import FORMATS
from livefeed.api.listing import LIMIT, MOST
from livefeed.api.polls import DEFAULT_LIMIT, MAX_LIMIT, MAX_WAIT
from livefeed.api.problems import PROBLEM_JSON
from livefeed.log.durability import Durability
from livefeed.queries import MAX_TAGS
from livefeed.starts import MAX_LAST

__all__ = ["openapi"]

JSON, NDJSON, MERGE = "application/json", "application/x-ndjson", "application/merge-patch+json"

_TITLES = {
    400: "Not JSON, or a bad or unknown parameter",
    401: "No or no good credential",
    403: "Not granted",
    404: "Not there",
    405: "No such method",
    406: "None of the accepted types",
    409: "In conflict with what is there",
    412: "Another version than If-Match names",
    413: "Too large",
    415: "Not a type that is taken",
    422: "A field breaks a rule; errors names each",
    429: "Too many; Retry-After says when",
    503: "Redis is away; Retry-After says when",
}


def _problems(*statuses: int) -> Schema:
    """Problem documents: those that every operation knows, and *statuses*."""
    known = sorted({400, 401, 403, 404, 429, 503, *statuses})
    return {str(status): {"description": _TITLES[status], "content": _content(PROBLEM_JSON, ref("Problem"))} for status in known}


def _content(media_type: str, schema: Schema | None = None) -> Schema:
    return {media_type: {"schema": schema} if schema else {}}


def _answer(description: str, schema: Schema | None = None, media_type: str = JSON, headers: Iterable[str] = ()) -> Schema:
    answer: Schema = {"description": description}
    if schema:
        answer["content"] = _content(media_type, schema)
    if told := {name: {"schema": {"type": "string"}} for name in headers}:
        answer["headers"] = told
    return answer


def _query(name: str, schema: Schema, description: str = "") -> Schema:
    return {"name": name, "in": "query", "schema": schema, **({"description": description} if description else {})}


def _header(name: str, description: str) -> Schema:
    return {"name": name, "in": "header", "schema": {"type": "string"}, "description": description}


def _whole(least: int, most: int, default: int | None = None) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, **({} if default is None else {"default": default})}


_FEED = {"name": "feed", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"}}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_TAG = _query(
    "tag",
    {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 64}, "maxItems": MAX_TAGS},
    "Repeatable: any of them.",
)
_URGENCY = _query("urgency", _whole(1, 9), "That or more urgent.")
_SINCE = _query("since", {"type": "string", "examples": ["15m", "2026-11-23T12:00:00Z"]}, "RFC 3339, or how long ago.")
_BEFORE = _query("before", {"type": "string"}, "The `next` of an earlier page.")
_DURABILITY = _query("durability", {"enum": [level.value for level in Durability]}, "What the answer is to wait for.")
_DESK = _query("view", {"const": "desk"}, "For editors: with drafts, scheduled, withheld and canceled items, and their notes.")
_IF_MATCH = _header("If-Match", 'The version that the change was made from, in quotes: "3".')
_IF_NONE_MATCH = _header("If-None-Match", "An earlier ETag: 304 when nothing has changed.")
_UNCHANGED = {"304": {"description": "Unchanged"}}
_OPEN: list[dict[str, list[str]]] = [{}, {"bearer": []}]


def _operation(
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
    operation: Schema = {"operationId": name, "summary": summary}
    if found := list(parameters):
        operation["parameters"] = found
    if body:
        operation["requestBody"] = {"required": required, "content": body}
    if public:
        operation["security"] = _OPEN
    return {**operation, "responses": {**answers, **_problems(*problems)}}


def _feeds() -> Schema:
    feed = _answer("The feed", ref("Feed"), headers=("ETag",))
    return {
        "/v1/feeds": {
            "get": _operation(
                "listFeeds", "Feeds that the caller may read", {"200": _answer("Feeds", ref("FeedList"))}, public=True
            )
        },
        "/v1/feeds/{feed}": {
            "parameters": [_FEED],
            "get": _operation("getFeed", "One feed", {"200": feed, **_UNCHANGED}, parameters=[_IF_NONE_MATCH], public=True),
            "put": _operation(
                "putFeed",
                "Make or change a feed",
                {"200": _answer("Changed", ref("Feed")), "201": _answer("Made", ref("Feed"), headers=("Location",))},
                (413, 415, 422),
                body=_content(JSON, ref("FeedSettings")),
            ),
            "delete": _operation("deleteFeed", "Delete a feed and its items", {"204": _answer("Deleted")}),
        },
    }


def _items() -> Schema:
    done = _answer("The event and the item as it is now", ref("Done"), headers=("ETag", "Content-Location"))
    made = _answer("Published; a draft or embargoed item has no event yet", ref("Done"), headers=("ETag", "Location"))
    lines: Schema = {"schema": {"type": "string", "description": "One BatchLine a line, in the order of the batch."}}
    repeated = {**done, "content": {**done["content"], NDJSON: lines}}
    key = _header("Idempotency-Key", "At most 255 characters: the same again within 24 h is answered and not done.")
    update = _query("existing", {"const": "update"}, "A `uri` that is known already: a new version of that item.")
    listed = _answer("A page", ref("ItemList"), headers=("ETag", "Link"))
    limit = _query("limit", _whole(1, MOST, LIMIT))
    uri, words = _query("uri", {"type": "string"}), _query("q", {"type": "string"}, "Words; among the newest 2,000 items.")
    return {
        "/v1/feeds/{feed}/items": {
            "parameters": [_FEED],
            "post": _operation(
                "publish",
                "Publish an item, or a batch of at most 1,000",
                {"200": repeated, "201": made},
                (409, 413, 415, 422),
                parameters=[update, _DURABILITY, key],
                body={
                    **_content(JSON, {"anyOf": [ref("ItemInput"), ref("Batch")]}),
                    NDJSON: {"schema": {"type": "string", "description": "One item a line."}},
                },
            ),
            "get": _operation(
                "listItems",
                "Current items, newest first",
                {"200": listed, **_UNCHANGED},
                parameters=[limit, _BEFORE, _TAG, _URGENCY, _SINCE, uri, words, _DESK, _IF_NONE_MATCH],
                public=True,
            ),
        },
        "/v1/feeds/{feed}/items/{id}": {
            "parameters": [_FEED, _ID],
            "get": _operation(
                "getItem",
                "One item; of a withheld or canceled one, what is left",
                {"200": _answer("The item", {"anyOf": [ref("Shown"), ref("DeskItem")]}, headers=("ETag",)), **_UNCHANGED},
                parameters=[_DESK, _IF_NONE_MATCH],
                public=True,
            ),
            "patch": _operation(
                "patchItem",
                "Change an item by a merge patch",
                {"200": done},
                (409, 412, 413, 415, 422),
                parameters=[_DURABILITY, _IF_MATCH],
                body={**_content(MERGE, ref("ItemPatch")), **_content(JSON, ref("ItemPatch"))},
            ),
        },
        "/v1/feeds/{feed}/items/{id}/history": {
            "parameters": [_FEED, _ID],
            "get": _operation("getHistory", "The item's versions, newest first", {"200": _answer("Versions", ref("History"))}),
        },
        **_deeds(done),
    }


def _deeds(done: Schema) -> Schema:
    withdrawal, patch = (
        _content(JSON, ref("Withdrawal")),
        {**_content(MERGE, ref("ItemPatch")), **_content(JSON, ref("ItemPatch"))},
    )
    deeds = {
        "hold": ("Withhold an item while it is checked", withdrawal),
        "release": ("Make a withheld item usable again, with a merge patch on top if one is given", patch),
        "cancel": ("Kill an item for good", withdrawal),
        "publish": ("Let a draft go out", None),
    }
    return {
        f"/v1/feeds/{{feed}}/items/{{id}}/{deed}": {
            "parameters": [_FEED, _ID],
            "post": _operation(
                f"{deed}Item",
                summary,
                {"200": done},
                (409, 412, 413, 415, 422),
                parameters=[_IF_MATCH],
                body=body,
                required=False,
            ),
        }
        for deed, (summary, body) in deeds.items()
    }


def _stream() -> Schema:
    after = _query("after", ref("Cursor"), "Continue exactly after this position.")
    last = _query("last", _whole(0, MAX_LAST), "Begin with a snapshot of that many items.")
    limit, wait = _query("limit", _whole(1, MAX_LIMIT, DEFAULT_LIMIT)), _query("wait", _whole(0, MAX_WAIT), "Seconds, for JSON.")
    position = _header("Last-Event-ID", "The last `id:` of an event stream; before all other starts.")
    told: Schema = {"schema": {"type": "string", "description": "Events of asyncapi.json, one a block."}}
    page = _answer("A stream of events, or one page of them", ref("EventPage"))
    page["content"]["text/event-stream"] = told
    return {
        "/v1/feeds/{feed}/events": {
            "parameters": [_FEED],
            "get": _operation(
                "readEvents",
                "The live stream: as SSE, or as one JSON page with long-poll; as WebSocket see asyncapi.json",
                {"200": page},
                (406,),
                parameters=[after, _SINCE, last, _TAG, _URGENCY, limit, wait, position],
                public=True,
            ),
        },
    }


_TITLES_OF_FORMATS = {
    "feed.json": "JSON Feed 1.1",
    "feed.atom": "Atom (RFC 4287)",
    "feed.rss": "RSS 2.0",
    "feed.ninjs": "IPTC ninjs 3.1",
    "feed.jsonld": "schema.org LiveBlogPosting",
}


def _formats() -> Schema:
    return {
        f"/v1/feeds/{{feed}}/{wanted.name}": {
            "parameters": [_FEED],
            "get": _operation(
                f"read{wanted.name.partition('.')[2].capitalize()}",
                f"Current items as {_TITLES_OF_FORMATS[wanted.name]}",
                {"200": {"description": "A page", "content": _content(wanted.media_type.partition(";")[0])}, **_UNCHANGED},
                parameters=[_BEFORE, _IF_NONE_MATCH],
                public=True,
            ),
        }
        for wanted in FORMATS
    }


def _server() -> Schema:
    ticket = _answer("For ?ticket= on a WebSocket, once, within 30 s", ref("Ticket"))
    status = {"200": _answer("Yes", ref("Status"))}
    text = _answer("Prometheus' text", {"type": "string"}, "text/plain")
    return {
        "/v1/tickets": {"post": _operation("makeTicket", "A one-time ticket for a WebSocket", {"201": ticket})},
        "/livez": {"get": _operation("live", "Whether the process lives", status, public=True)},
        "/readyz": {"get": _operation("ready", "Whether it can serve", status, public=True)},
        "/metrics": {
            "get": _operation("metrics", "Figures for Prometheus; for loopback or an admin", {"200": text}, public=True)
        },
    }


def openapi(version: str) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Livefeed",
            "version": version,
            "summary": "Live feeds for newsrooms: publish items, follow them without a gap.",
            "description": "Live streams are described in asyncapi.json. Errors are problem documents (RFC 9457).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": {**_feeds(), **_items(), **_stream(), **_formats(), **_server()},
        "components": {
            "schemas": components(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "A key or a JWT."}},
        },
    }
