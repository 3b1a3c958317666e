"""JSON Schemas of everything that goes over the wire, made from the rules and types that check it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from livefeed.api.feeds import SETTINGS
from livefeed.api.items import WITHDRAWAL
from livefeed.events import EventType
from livefeed.items import FIELDS, Item, Tombstone
from livefeed.items.intake import RECORD

__all__ = ["Schema", "array", "components", "obj", "or_null", "ref"]

Schema = dict[str, Any]

_TEMPLATE = "#/components/schemas/{name}"
_TIME: Schema = {"type": "string", "format": "date-time"}
_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_CURSOR_PATTERN = "^(0|[1-9][0-9]*)-(0|[1-9][0-9]*)$"

_MEANING = {
    "uri": "Stable identity of the item; made by the server when absent. What has the same is the same item.",
    "headline": "One line of plain text. This, bodyText or bodyHtml is required.",
    "urgency": "1 flash, 2 bulletin, 3 urgent … 9.",
    "contentCreated": "The editorial time: shown, and sorted on. The time of publication when absent; at most 5 minutes ahead.",
    "language": "BCP 47.",
    "tags": "Labels that readers can subscribe to; compared NFC, stripped and case-folded.",
    "slugline": "Groups the items of one story.",
    "embargoedUntil": "The item is in no log, list or feed before this time, and goes out by itself then.",
    "expires": "From then on the item is in no list or snapshot, and clients hide it.",
    "correction": "What was wrong, said to the public. Given with a change, it makes that a labelled correction.",
    "draft": "Seen by the desk only, until it is published.",
    "pinRank": "Order among the pinned ones, the lowest first.",
    "edNote": "For the desk only; it never leaves it.",
}


def ref(name: str) -> Schema:
    return {"$ref": _TEMPLATE.format(name=name)}


def obj(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, **more: Any) -> Schema:
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False, **more}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def components() -> dict[str, Schema]:
    """All schemas, by name."""
    _, made = msgspec.json.schema_components((Item, Tombstone), ref_template=_TEMPLATE)
    for schema in made.values():
        for field in schema["properties"].values():
            field.pop("default", None)  # what is empty is left out, so that nobody ever sees it
    for name in ("firstCreated", "versionCreated", "contentCreated", "embargoedUntil", "expires"):
        made["Item"]["properties"][name] |= {"format": "date-time"}
    made["Item"]["properties"].pop("edNote")
    for name, schema in made["Item"]["properties"].items():
        if name in _MEANING:
            schema["description"] = _MEANING[name]
    return {**made, **_requests(), **_answers(), **_lists(made["Item"]), **_feeds(), **_events()}


def _requests() -> dict[str, Schema]:
    given = RECORD.schema()
    for name, meaning in _MEANING.items():
        field = given["properties"][name]
        field["description"] = f"{meaning} {field['description']}" if "description" in field else meaning
    given["anyOf"] = [{"required": [name]} for name in ("headline", "bodyText", "bodyHtml")]
    removable = {name: or_null(rule.schema()) for name, rule in FIELDS.items() if name != "uri"}
    patch = obj({}, {"uri": FIELDS["uri"].schema(), **removable}, description="RFC 7396: null removes a field.")
    return {
        "ItemInput": given,
        "ItemPatch": patch,
        "Batch": {"type": "array", "items": {}, "maxItems": 1000, "description": "Items; each is checked by itself."},
        "Withdrawal": WITHDRAWAL.schema(),
        "FeedSettings": SETTINGS.schema(),
    }


def _answers() -> dict[str, Schema]:
    problem = {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT}
    shown: Schema = {"anyOf": [ref("Item"), ref("Tombstone")]}
    done: dict[str, Schema] = {"event": or_null(ref("Cursor")), "item": or_null(shown)}
    refused: dict[str, Schema] = {"status": {"type": "integer", "minimum": 400}, "problem": ref("Problem")}
    return {
        "Cursor": {"type": "string", "pattern": _CURSOR_PATTERN, "maxLength": 128, "description": "Opaque."},
        "FieldError": obj({"pointer": _TEXT, "rule": _TEXT, "detail": _TEXT}),
        "Problem": obj(problem, {"errors": array(ref("FieldError"))}, description="RFC 9457."),
        "Shown": shown,
        "Done": obj(done),
        "BatchLine": {"anyOf": [obj({"status": {"enum": [200, 201]}, **done}), obj(refused)]},
        "History": obj({"versions": array(shown)}),
        "Ticket": obj({"ticket": _TEXT, "expires": _TIME}),
        "Status": obj({"status": _TEXT}),
    }


def _lists(item: Schema) -> dict[str, Schema]:
    state: Schema = {"type": "string", "enum": ["draft", "scheduled", "usable", "withheld", "canceled"]}
    desk_only = {"state": state, "edNote": _TEXT}
    whole = {**item, "properties": {**item["properties"], **desk_only}, "required": [*item["required"], "state"]}
    left = ("id", "uri", "version", "pubStatus", "contentCreated", "versionCreated")
    withdrawn = obj({**{name: item["properties"][name] for name in left}, "state": state}, {"reason": _TEXT, "held": whole})
    page: dict[str, Schema] = {"cursor": ref("Cursor"), "next": or_null(_TEXT)}
    events: Schema = {"anyOf": [ref("ItemEvent"), ref("FeedEvent"), ref("Snapshot"), ref("Reset")]}
    position: dict[str, Schema] = {"cursor": ref("Cursor"), "resumed": or_null({"type": "boolean"}), "more": {"type": "boolean"}}
    return {
        "DeskItem": {"anyOf": [whole, withdrawn]},
        "ItemList": obj({"items": array({"anyOf": [ref("Item"), ref("DeskItem")]}), **page}),
        "EventPage": obj({"events": array(events), **position}),
    }


def _feeds() -> dict[str, Schema]:
    settings = SETTINGS.schema()["properties"]
    retention = settings["retention"] | {"required": [*settings["retention"]["properties"]]}
    told: dict[str, Schema] = {"name": _TEXT, "head": ref("Cursor"), "readers": _COUNT}
    return {
        "Feed": obj({**told, **settings, "retention": retention}),
        "FeedList": obj({"feeds": array(obj({**told, "title": _TEXT, "open": {"type": "boolean"}}))}),
    }


def _cloud_event(kind: Schema, data: Schema, *, subject: bool = False, cursor: bool = False, own_id: bool = False) -> Schema:
    required: dict[str, Schema] = {
        "specversion": {"const": "1.0"},
        "id": _TEXT if own_id else ref("Cursor"),
        "source": _TEXT,
        "type": kind,
        "time": _TIME,
    }
    if subject:
        required["subject"] = _TEXT
    return obj({**required, "data": data}, {"cursor": ref("Cursor")} if cursor else None)


def _own(name: str, data: Schema, *, cursor: bool = False) -> Schema:
    """One of the stream's own events: its id is no position; a member `cursor` is, where there is one."""
    return _cloud_event({"const": f"live.stream.{name}"}, data, cursor=cursor, own_id=True)


def _events() -> dict[str, Schema]:
    items = [kind.value for kind in EventType if kind.value.startswith("live.item.")]
    feeds = [kind.value for kind in EventType if kind.value.startswith("live.feed.")]
    page: dict[str, Schema] = {
        "items": array(ref("Item")),
        "complete": {"type": "boolean"},
        "next": or_null(_TEXT),
    }
    missed = or_null(obj({"first": _COUNT, "last": _COUNT}))
    reset = {"reason": {"enum": ["trimmed", "lost", "unknown"]}, "missed": missed, **page}
    hello = {
        "feed": _TEXT,
        "head": ref("Cursor"),
        "resumed": or_null({"type": "boolean"}),
        "heartbeat": {"type": "number"},
        "serverTime": _TIME,
        "version": _TEXT,
    }
    ending = obj({"reason": _TEXT, "retryMs": _COUNT})
    return {
        "ItemEvent": _cloud_event({"enum": items}, ref("Shown"), subject=True),
        "FeedEvent": _cloud_event({"enum": feeds}, obj({"title": _TEXT, "open": {"type": "boolean"}})),
        "Hello": _own("hello", obj(hello), cursor=True),
        "Snapshot": _own("snapshot", obj(page), cursor=True),
        "Reset": _own("reset", obj(reset), cursor=True),
        "Heartbeat": _own("heartbeat", obj({"serverTime": _TIME, "head": ref("Cursor")}), cursor=True),
        "Stale": _own("stale", obj({"since": _TIME})),
        "Fresh": _own("fresh", obj({"since": _TIME})),
        "Goodbye": _own("goodbye", ending),
        "Unavailable": _own("unavailable", ending),
    }
