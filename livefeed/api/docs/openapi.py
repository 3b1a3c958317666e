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
    "Repeatable: any of them.",
)
_URGENCY = query("urgency", whole(1, 9), "This urgency or more urgent.")
_SINCE = query("since", {"type": "string", "examples": ["15m", "2026-11-23T12:00:00Z"]}, "A time (RFC 3339) or an age.")
_BEFORE = query("before", {"type": "string"}, "The `next` of an earlier page.")
_DURABILITY = query("durability", {"enum": [level.value for level in Durability]}, "The durability that the response waits for.")
_DESK = query("view", {"const": "desk"}, "For editors: with drafts, scheduled, withheld and canceled items, and their notes.")
_IF_MATCH = header("If-Match", 'The version that the change was made from, in quotes: "3".')
_IF_NONE_MATCH = header("If-None-Match", "An earlier ETag: 304 when nothing has changed.")
_UNCHANGED = {"304": {"description": "Unchanged"}}


def _feeds() -> Schema:
    feed = answer("The feed", ref("Feed"), headers=("ETag",))
    return {
        "/v1/feeds": {
            "get": operation(
                "listFeeds", "Feeds that the caller may read", {"200": answer("Feeds", ref("FeedList"))}, public=True
            )
        },
        "/v1/feeds/{feed}": {
            "parameters": [FEED],
            "get": operation("getFeed", "One feed", {"200": feed, **_UNCHANGED}, parameters=[_IF_NONE_MATCH], public=True),
            "put": operation(
                "putFeed",
                "Make or change a feed",
                {"200": answer("Changed", ref("Feed")), "201": answer("Made", ref("Feed"), headers=("Location",))},
                (413, 415, 422),
                body=content(JSON, ref("FeedSettings")),
            ),
            "delete": operation("deleteFeed", "Delete a feed and its items", {"204": answer("Deleted")}),
        },
    }


def _items() -> Schema:
    done = answer("The event and the item as it is now", ref("Done"), headers=("ETag", "Content-Location"))
    made = answer("Published; a draft or embargoed item has no event yet", ref("Done"), headers=("ETag", "Location"))
    lines: Schema = {"schema": {"type": "string", "description": "One BatchLine a line, in the order of the batch."}}
    repeated = {**done, "content": {**done["content"], NDJSON: lines}}
    key = header("Idempotency-Key", "At most 255 characters: the same again within 24 h is answered and not done.")
    update = query("existing", {"const": "update"}, "A `uri` that is known already: a new version of that item.")
    listed = answer("A page", ref("ItemList"), headers=("ETag", "Link"))
    limit = query("limit", whole(1, MOST, LIMIT))
    uri, words = query("uri", {"type": "string"}), query("q", {"type": "string"}, "Words; among the newest 2,000 items.")
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
                    NDJSON: {"schema": {"type": "string", "description": "One item a line."}},
                },
            ),
            "get": operation(
                "listItems",
                "Current items, newest first",
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
                "One item; of a withheld or canceled one, what is left",
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
            "get": operation("getHistory", "The item's versions, newest first", {"200": answer("Versions", ref("History"))}),
        },
    }


def _deeds(done: Schema) -> Schema:
    withdrawal, patch = (
        content(JSON, ref("Withdrawal")),
        {**content(MERGE, ref("ItemPatch")), **content(JSON, ref("ItemPatch"))},
    )
    deeds = {
        "hold": ("Withhold an item while it is checked", withdrawal),
        "release": ("Make a withheld item usable again, with a merge patch on top if one is given", patch),
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
    after = query("after", ref("Cursor"), "Continue exactly after this position.")
    last = query("last", whole(0, MAX_LAST), "Begin with a snapshot of that many items.")
    limit, wait = query("limit", whole(1, MAX_LIMIT, DEFAULT_LIMIT)), query("wait", whole(0, MAX_WAIT), "Seconds, for JSON.")
    position = header("Last-Event-ID", "The last `id:` of an event stream; before all other starts.")
    told: Schema = {"schema": {"type": "string", "description": "Events of asyncapi.json, one a block."}}
    page = answer("A stream of events, or one page of them", ref("EventPage"))
    page["content"]["text/event-stream"] = told
    return {
        "/v1/feeds/{feed}/events": {
            "parameters": [FEED],
            "get": operation(
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
            "parameters": [FEED],
            "get": operation(
                f"read{wanted.name.partition('.')[2].capitalize()}",
                f"Current items as {_TITLES_OF_FORMATS[wanted.name]}",
                {"200": {"description": "A page", "content": content(wanted.media_type.partition(";")[0])}, **_UNCHANGED},
                parameters=[_BEFORE, _IF_NONE_MATCH],
                public=True,
            ),
        }
        for wanted in FORMATS
    }


def _server() -> Schema:
    status = {"200": answer("Yes", ref("Status"))}
    text = answer("Prometheus' text", {"type": "string"}, "text/plain")
    return {
        "/livez": {"get": operation("live", "Whether the process lives", status, public=True)},
        "/readyz": {"get": operation("ready", "Whether it can serve", status, public=True)},
        "/metrics": {"get": operation("metrics", "Figures, for loopback or an admin", {"200": text}, public=True)},
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
        "paths": {**_feeds(), **_items(), **_stream(), **_formats(), **access(), **presence(), **_server()},
        "components": {
            "schemas": {**components(), **access_schemas()},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "A key or a JWT."}},
        },
    }
