"""The live streams as an AsyncAPI 3.0 document: what the server sends and receives on each connection."""

from __future__ import annotations

from typing import Any

from livefeed.api.docs.schemas import Schema, components, ref

__all__ = ["asyncapi", "socket_schemas"]

_LOG = {
    "itemEvent": ("ItemEvent", "An item was published or changed"),
    "feedEvent": ("FeedEvent", "The feed was opened or closed"),
}
_STREAM = {
    "hello": ("Hello", "Always the first event"),
    "snapshot": ("Snapshot", "The newest matching items, after `last`"),
    "reset": ("Reset", "The position cannot be continued exactly: discard everything shown and use these items"),
    "heartbeat": ("Heartbeat", "Sent after 15 s without another event"),
    "stale": ("Stale", "The server cannot read the log"),
    "fresh": ("Fresh", "The server can read the log again"),
    "goodbye": ("Goodbye", "Before the server closes the connection"),
    "unavailable": ("Unavailable", "Instead of hello when the log cannot be read"),
}
_COMMANDS = {
    "subscribe": ("Subscribe", "Follow a feed; a second one for the same feed replaces the first"),
    "unsubscribe": ("Unsubscribe", "Stop following a feed"),
    "publish": ("Publish", "Publish an item"),
    "patch": ("Patch", "Change fields of an item, by a merge patch"),
    "hold": ("Hold", "Withhold an item while it is checked"),
    "release": ("Release", "Make a withheld item usable again, changed by a merge patch if there is one"),
    "cancel": ("Cancel", "Kill an item permanently"),
    "publishDraft": ("PublishDraft", "Publish a draft"),
    "ping": ("Ping", "Request a pong"),
    "token": ("Token", "Replace the credential"),
}
_REPLIES = {
    "subscribed": ("Subscribed", "Instead of hello"),
    "unsubscribed": ("Unsubscribed", "A subscription has ended"),
    "ack": ("Ack", "An item was published or changed"),
    "pong": ("Pong", "The response to a ping"),
    "renewed": ("Renewed", "The new credential was accepted"),
    "error": ("Error", "A command failed"),
}

_TEXT: Schema = {"type": "string"}
_REF: Schema = {"type": ["string", "integer", "null"], "description": "Identifies the command; repeated in its response."}
_WHOLE: Schema = {"type": "integer", "minimum": 0}


def _command(op: str, required: Schema, optional: Schema | None = None) -> Schema:
    properties = {"op": {"const": op}, **required, "ref": _REF, **(optional or {})}
    return {"type": "object", "properties": properties, "required": ["op", *required], "additionalProperties": False}


def socket_schemas() -> dict[str, Schema]:
    """The messages of the sub-protocol `livefeed.v1`, beside the events."""
    start: Schema = {
        "after": ref("Cursor"),
        "since": _TEXT,
        "last": {**_WHOLE, "maximum": 200},
        "tags": {"type": "array", "items": _TEXT, "maxItems": 20},
        "urgency": {"type": "integer", "minimum": 1, "maximum": 9},
    }
    hello = components()["Hello"]["properties"]["data"]
    expires: Schema = {"type": ["number", "null"]}
    cursor: Schema = {"anyOf": [ref("Cursor"), {"type": "null"}]}
    return {
        "Subscribe": _command("subscribe", {"feed": _TEXT}, start),
        "Unsubscribe": _command("unsubscribe", {"feed": _TEXT}),
        "Publish": _command("publish", {"feed": _TEXT, "item": ref("ItemInput")}, {"key": {"type": "string", "maxLength": 255}}),
        **_changes(),
        "Ping": _command("ping", {}),
        "Token": _command("token", {"token": _TEXT}),
        "Subscribed": _command("subscribed", {"feed": _TEXT, "data": hello}, {"cursor": ref("Cursor")}),
        "Unsubscribed": _command("unsubscribed", {"feed": _TEXT}, {"reason": _TEXT}),
        "Ack": _command("ack", {"event": cursor, "item": {"anyOf": [ref("Shown"), {"type": "null"}]}}),
        "Pong": _command("pong", {}),
        "Renewed": _command("token", {"subject": _TEXT, "expires": expires}),
        "Error": _command("error", {"problem": {"anyOf": [ref("Problem"), {"type": "object"}]}}),
    }


def _changes() -> dict[str, Schema]:
    item: Schema = {"feed": _TEXT, "id": _TEXT}
    version: Schema = {
        "version": {**_WHOLE, "minimum": 1, "description": "The version that the change is based on, like If-Match."}
    }
    reason: Schema = {"reason": {**_TEXT, "maxLength": 500}, **version}
    return {
        "Patch": _command("patch", {**item, "patch": ref("ItemPatch")}, version),
        "Hold": _command("hold", item, reason),
        "Release": _command("release", item, {"patch": ref("ItemPatch"), **version}),
        "Cancel": _command("cancel", item, reason),
        "PublishDraft": _command("publish-draft", item, version),
    }


def _messages(*groups: dict[str, tuple[str, str]]) -> Schema:
    return {name: {"$ref": f"#/components/messages/{name}"} for group in groups for name in group}


def _operation(action: str, channel: str, summary: str, *groups: dict[str, tuple[str, str]]) -> Schema:
    messages = [{"$ref": f"#/channels/{channel}/messages/{name}"} for group in groups for name in group]
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary, "messages": messages}


def _channels() -> Schema:
    start: Schema = {
        "type": "object",
        "properties": {"after": ref("Cursor"), "since": _TEXT, "last": _TEXT, "tag": _TEXT, "urgency": _TEXT},
    }
    binding = {"ws": {"method": "GET", "query": start, "bindingVersion": "0.1.0"}}
    return {
        "events": {
            "address": "/v1/feeds/{feed}/events",
            "title": "The live stream of one feed",
            "description": (
                "Over SSE, or over WebSocket with the sub-protocol cloudevents.json: the same JSON, one event per block or "
                "text frame. On SSE, log events are default (message) events, stream events are named, and `id:` is the cursor."
            ),
            "parameters": {"feed": {"description": "The feed's name"}},
            "messages": _messages(_LOG, _STREAM),
            "bindings": binding,
        },
        "socket": {
            "address": "/v1/ws",
            "title": "Many feeds on one WebSocket",
            "description": "Sub-protocol livefeed.v1: JSON text frames with responses and the events of all subscribed feeds.",
            "messages": _messages(_COMMANDS, _REPLIES, _LOG, _STREAM),
            "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
        },
    }


def asyncapi(version: str) -> dict[str, Any]:
    messages = {
        name: {"name": name, "title": schema, "summary": summary, "contentType": "application/json", "payload": ref(schema)}
        for group in (_LOG, _STREAM, _COMMANDS, _REPLIES)
        for name, (schema, summary) in group.items()
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Livefeed: live connections",
            "version": version,
            "description": "What the server sends and receives on live connections. Everything else is in openapi.json.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "streams": {"host": "localhost:8000", "protocol": "http", "description": "Server-Sent Events"},
            "sockets": {"host": "localhost:8000", "protocol": "ws", "description": "WebSocket"},
        },
        "channels": _channels(),
        "operations": {
            "sendEvents": _operation("send", "events", "The stream of one feed", _LOG, _STREAM),
            "receiveCommands": _operation("receive", "socket", "Commands from the client", _COMMANDS),
            "sendAnswers": _operation("send", "socket", "Responses and events", _REPLIES, _LOG, _STREAM),
        },
        "components": {"schemas": {**components(), **socket_schemas()}, "messages": messages},
    }
