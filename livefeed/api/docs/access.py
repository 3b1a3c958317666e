"""The part of the OpenAPI document on access and presence: keys, sessions, tickets, the audit trail, desks and screens."""

from __future__ import annotations

from livefeed.api.docs.operations import FEED, JSON, answer, content, operation, query, whole
from livefeed.api.docs.schemas import Schema, array, obj, or_null, ref
from livefeed.api.presence import AT_DESK, SCREEN_REPORT

__all__ = ["access", "access_schemas", "presence"]

_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_PATTERNS: Schema = {"type": "array", "items": {"type": "string", "examples": ["world", "sport.*", "*"]}}


def access_schemas() -> dict[str, Schema]:
    roles = dict.fromkeys(("read", "contribute", "publish", "edit"), _PATTERNS)
    key = {"id": _TEXT, "name": _TEXT, "grants": ref("Grants"), "made": _TIME, "madeBy": _TEXT, "expires": or_null(_TIME)}
    entry = obj({"id": _TEXT, "time": _TIME, "action": _TEXT, "subject": _TEXT, "by": _TEXT})
    screen = SCREEN_REPORT.schema()
    optional = {"feed": _TEXT, **{name: rule for name, rule in screen["properties"].items() if name not in screen["required"]}}
    age: Schema = {"age": {"type": "integer", "description": "Milliseconds since the report."}}
    return {
        "Grants": obj({}, {**roles, "admin": {"type": "boolean"}}, description="For each role, feed patterns."),
        "KeyInput": obj({"name": {**_TEXT, "minLength": 1}, "grants": ref("Grants")}, {"expires": or_null(_TIME)}),
        "Key": obj(key),
        "NewKey": obj({**key, "key": {**_TEXT, "description": "Returned only once."}}),
        "KeyList": obj({"keys": array(ref("Key"))}),
        "Session": obj({"subject": _TEXT, "grants": ref("Grants"), "expires": or_null(_TIME)}),
        "AuditPage": obj({"entries": array({**entry, "additionalProperties": _TEXT}), "next": or_null(_TEXT)}),
        "AtDesk": AT_DESK.schema(),
        "AtDeskList": obj({"desks": array(obj({"desk": _TEXT}, {"name": _TEXT, "item": _TEXT, "subject": _TEXT, **age}))}),
        "ScreenReport": screen,
        "ScreenList": obj({"screens": array(obj({"screen": _TEXT, "state": _TEXT}, {**optional, **age}))}),
    }


def access() -> Schema:
    session = answer("The session", ref("Session"))
    ticket = answer("For `?ticket=` of one WebSocket handshake, within 30 s", ref("Ticket"))
    key_id: Schema = {"name": "key_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    paging = [query("before", _TEXT, "The `next` of an earlier page."), query("limit", whole(1, 500, 100))]
    return {
        "/v1/tickets": {"post": operation("makeTicket", "Create a one-time ticket for a WebSocket", {"201": ticket})},
        "/v1/session": {
            "post": operation("signIn", "Begin a browser session with a key", {"201": session}),
            "get": operation("showSession", "Show the session", {"200": session}),
            "delete": operation("signOut", "End a browser session", {"204": answer("Ended")}, public=True),
        },
        "/v1/keys": {
            "get": operation("listKeys", "List the keys, without their secrets", {"200": answer("Keys", ref("KeyList"))}),
            "post": operation(
                "makeKey",
                "Create a key",
                {"201": answer("Created", ref("NewKey"), headers=("Location",))},
                (413, 415, 422),
                body=content(JSON, ref("KeyInput")),
            ),
        },
        "/v1/keys/{key_id}": {
            "parameters": [key_id],
            "delete": operation("revokeKey", "Revoke a key, or a token by its id in the audit trail", {"204": answer("Revoked")}),
        },
        "/v1/audit": {
            "get": operation(
                "readAudit", "Read the audit trail, newest first", {"200": answer("A page", ref("AuditPage"))}, parameters=paging
            )
        },
    }


def presence() -> Schema:
    desks, screens = answer("The open desks", ref("AtDeskList")), answer("Screens", ref("ScreenList"))
    desk: Schema = {"name": "desk", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    at_desk, report = content(JSON, ref("AtDesk")), content(JSON, ref("ScreenReport"))
    stored = {"204": answer("Stored")}
    return {
        "/v1/feeds/{feed}/desks": {
            "parameters": [FEED],
            "post": operation("reportDesk", "Register a desk as open", {"200": desks}, (413, 415, 422), body=at_desk),
        },
        "/v1/feeds/{feed}/desks/{desk}": {
            "parameters": [FEED, desk],
            "delete": operation("leaveDesk", "Register a desk as closed", {"204": answer("Closed")}),
        },
        "/v1/feeds/{feed}/screens": {
            "parameters": [FEED],
            "post": operation("reportScreen", "Report the state of a screen", stored, (413, 415, 422), body=report, public=True),
        },
        "/v1/screens": {
            "get": operation("listScreens", "List the screens and their last reports", {"200": screens}, public=True)
        },
    }
