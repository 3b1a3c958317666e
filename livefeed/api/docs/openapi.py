"""The HTTP interface as an OpenAPI 3.1 document."""

from __future__ import annotations

from typing import Any

from livefeed.api.docs.access import access, access_schemas, presence
from livefeed.api.docs.operations import FEED, JSON, MERGE, NDJSON, answer, content, header, operation, query, whole
from livefeed.api.docs.schemas import Schema, components, ref
from livefeed.api.formats.endpoints import FORMATS
from livefeed.api.listing import LIMIT, MOST
from livefeed.api.polls import DEFAULT_LIMIT, MAX_LIMIT, MAX_WAIT
from livefeed.log.durability import Durability
from livefeed.queries import MAX_TAGS
from livefeed.starts import MAX_LAST

__all__ = ["openapi"]

_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_TAG = query(
    "tag",
    {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 64}, "maxItems": MAX_TAGS},
    "Repeatable: items with any of the tags.",
)
_URGENCY = query("urgency", whole(1, 9), "Items of this urgency or more urgent (1 is the most urgent).")
_SINCE = query("since", {"type": "string", "examples": ["15m", "2026-11-23T12:00:00Z"]}, "A time (RFC 3339), or how long ago.")
_BEFORE = query("before", {"type": "string"}, "The `next` of an earlier page.")
_DURABILITY = query("durability", {"enum": [level.value for level in Durability]}, "The durability that the response waits for.")
_DESK = query("view", {"const": "desk"}, "For editors: includes drafts, scheduled, withheld and canceled items, and notes.")
_IF_MATCH = header("If-Match", 'The version that the change is based on, in quotes: "3".')
_IF_NONE_MATCH = header("If-None-Match", "An earlier ETag: the response is 304 if nothing has changed.")
_UNCHANGED = {"304": {"description": "Unchanged"}}


def _feeds() -> Schema:
    feed = answer("The feed", ref("Feed"), headers=("ETag",))
    return {
        "/v1/feeds": {
            "get": operation(
                "listFeeds", "List the feeds that the caller may read", {"200": answer("Feeds", ref("FeedList"))}, public=True
            )
        },
        "/v1/feeds/{feed}": {
            "parameters": [FEED],
            "get": operation(
                "getFeed", "Read a feed's settings", {"200": feed, **_UNCHANGED}, parameters=[_IF_NONE_MATCH], public=True
            ),
            "put": operation(
                "putFeed",
                "Create or change a feed",
                {"200": answer("Changed", ref("Feed")), "201": answer("Created", ref("Feed"), headers=("Location",))},
                (413, 415, 422),
                body=content(JSON, ref("FeedSettings")),
            ),
            "delete": operation("deleteFeed", "Delete a feed and its items", {"204": answer("Deleted")}),
        },
    }


def _items() -> Schema:
    done = answer("The event and the current item", ref("Done"), headers=("ETag", "Content-Location"))
    made = answer("Created; the event is null for a draft or an embargoed item", ref("Done"), headers=("ETag", "Location"))
    lines: Schema = {"schema": {"type": "string", "description": "One BatchLine per line, in the order of the batch."}}
    repeated = {**done, "content": {**done["content"], NDJSON: lines}}
    key = header(
        "Idempotency-Key", "At most 255 characters. A repetition within 24 h returns the first result and has no effect."
    )
    update = query("existing", {"const": "update"}, "An existing `uri` gets a new version instead of a 409.")
    listed = answer("A page", ref("ItemList"), headers=("ETag", "Link"))
    limit = query("limit", whole(1, MOST, LIMIT))
    uri, words = (
        query("uri", {"type": "string"}),
        query("q", {"type": "string"}, "Items that contain all of these words, among the newest 2,000."),
    )
    return {
        "/v1/feeds/{feed}/items": {
            "parameters": [FEED],
            "post": operation(
                "publish",
                "Publish an item, or a batch of at most 1,000",
                {"200": repeated, "201": made},
                (409, 413, 415, 422),
                parameters=[update, _DURABILITY, key],
                body={
                    **content(JSON, {"anyOf": [ref("ItemInput"), ref("Batch")]}),
                    NDJSON: {"schema": {"type": "string", "description": "One item per line."}},
                },
            ),
            "get": operation(
                "listItems",
                "List current items, newest first",
                {"200": listed, **_UNCHANGED},
                parameters=[limit, _BEFORE, _TAG, _URGENCY, _SINCE, uri, words, _DESK, _IF_NONE_MATCH],
                public=True,
            ),
        },
        **_item(done),
        **_deeds(done),
    }


def _item(done: Schema) -> Schema:
    shown = answer("The item", {"anyOf": [ref("Shown"), ref("DeskItem")]}, headers=("ETag",))
    return {
        "/v1/feeds/{feed}/items/{id}": {
            "parameters": [FEED, _ID],
            "get": operation(
                "getItem",
                "Read an item, or the tombstone of a withheld or canceled one",
                {"200": shown, **_UNCHANGED},
                parameters=[_DESK, _IF_NONE_MATCH],
                public=True,
            ),
            "patch": operation(
                "patchItem",
                "Change an item by a merge patch",
                {"200": done},
                (409, 412, 413, 415, 422),
                parameters=[_DURABILITY, _IF_MATCH],
                body={**content(MERGE, ref("ItemPatch")), **content(JSON, ref("ItemPatch"))},
            ),
        },
        "/v1/feeds/{feed}/items/{id}/history": {
            "parameters": [FEED, _ID],
            "get": operation("getHistory", "Read an item's versions, newest first", {"200": answer("Versions", ref("History"))}),
        },
    }


def _deeds(done: Schema) -> Schema:
    withdrawal, patch = (
        content(JSON, ref("Withdrawal")),
        {**content(MERGE, ref("ItemPatch")), **content(JSON, ref("ItemPatch"))},
    )
    deeds = {
        "hold": ("Withhold an item while it is checked", withdrawal),
        "release": ("Make a withheld item usable again, with a merge patch applied if there is one", patch),
        "cancel": ("Kill an item permanently", withdrawal),
        "publish": ("Publish a draft", None),
    }
    return {
        f"/v1/feeds/{{feed}}/items/{{id}}/{deed}": {
            "parameters": [FEED, _ID],
            "post": operation(
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
    after = query("after", ref("Cursor"), "Continue exactly after this cursor.")
    last = query("last", whole(0, MAX_LAST), "Begin with a snapshot of this many items.")
    limit, wait = (
        query("limit", whole(1, MAX_LIMIT, DEFAULT_LIMIT)),
        query("wait", whole(0, MAX_WAIT), "Seconds, for JSON (long poll)."),
    )
    position = header("Last-Event-ID", "The last `id:` of an event stream; takes precedence over the parameters.")
    stream: Schema = {"schema": {"type": "string", "description": "The events of asyncapi.json, one per block."}}
    page = answer("A stream of events, or one page of them", ref("EventPage"))
    page["content"]["text/event-stream"] = stream
    return {
        "/v1/feeds/{feed}/events": {
            "parameters": [FEED],
            "get": operation(
                "readEvents",
                "Follow a feed: the live stream as SSE, or one JSON page (long poll). For WebSocket see asyncapi.json",
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
            "parameters": [FEED],
            "get": operation(
                f"read{wanted.name.partition('.')[2].capitalize()}",
                f"Read current items as {_TITLES_OF_FORMATS[wanted.name]}",
                {"200": {"description": "A page", "content": content(wanted.media_type.partition(";")[0])}, **_UNCHANGED},
                parameters=[_BEFORE, _IF_NONE_MATCH],
                public=True,
            ),
        }
        for wanted in FORMATS
    }


def _server() -> Schema:
    status = {"200": answer("Yes", ref("Status"))}
    text = answer("Prometheus text format", {"type": "string"}, "text/plain")
    return {
        "/livez": {"get": operation("live", "Whether the process is alive", status, public=True)},
        "/readyz": {"get": operation("ready", "Whether the server is ready", status, public=True)},
        "/metrics": {"get": operation("metrics", "Metrics, for loopback or an admin key", {"200": text}, public=True)},
    }


def openapi(version: str) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Livefeed",
            "version": version,
            "summary": "Live feeds for newsrooms: publish items, and follow feeds without gaps.",
            "description": "Live streams are described in asyncapi.json. Errors are problem documents (RFC 9457).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": {**_feeds(), **_items(), **_stream(), **_formats(), **access(), **presence(), **_server()},
        "components": {
            "schemas": {**components(), **access_schemas()},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "A key or a JWT."}},
        },
    }
