"""The commands of the sub-protocol `livefeed.v1`, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from livefeed.cursors import Cursor
from livefeed.exceptions import BadRequest, RequestError
from livefeed.feeds import check_feed_name
from livefeed.filters import MAX_TAG, Filter, fold_tag
from livefeed.jsondoor import load_json
from livefeed.queries import MAX_TAGS
from livefeed.reader import RESET_ITEMS, After, FromNow, Newest, Start
from livefeed.starts import MAX_LAST, Since, parse_since

__all__ = ["Change", "Command", "Ping", "Publish", "Refused", "Subscribe", "Token", "Unsubscribe", "Verb", "parse_command"]

Ref = str | int | None
Verb = Literal["patch", "hold", "release", "cancel", "publish-draft"]

MAX_COMMAND = 64 * 1024


@dataclass(frozen=True, slots=True)
class Subscribe:
    ref: Ref
    feed: str
    start: Start | Since
    items: int
    only: Filter


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    ref: Ref
    feed: str


@dataclass(frozen=True, slots=True)
class Publish:
    ref: Ref
    feed: str
    item: Mapping[str, Any]
    key: str


@dataclass(frozen=True, slots=True)
class Change:
    """What an editor does to an item that exists."""

    ref: Ref
    feed: str
    item_id: str
    verb: Verb
    patch: Mapping[str, Any] | None
    reason: str
    version: int | None


@dataclass(frozen=True, slots=True)
class Ping:
    ref: Ref


@dataclass(frozen=True, slots=True)
class Token:
    ref: Ref
    token: str


Command = Subscribe | Unsubscribe | Publish | Change | Ping | Token

_MEMBERS = {
    "subscribe": {"feed", "after", "since", "last", "tags", "urgency"},
    "unsubscribe": {"feed"},
    "publish": {"feed", "item", "key"},
    "patch": {"feed", "id", "patch", "version"},
    "hold": {"feed", "id", "reason", "version"},
    "release": {"feed", "id", "patch", "version"},
    "cancel": {"feed", "id", "reason", "version"},
    "publish-draft": {"feed", "id", "version"},
    "ping": set[str](),
    "token": {"token"},
}


class Refused(Exception):  # a result that carries the error, not an error of its own kind
    """The message is not a valid command: *error* says why, *ref* identifies the command if it had one."""

    def __init__(self, ref: Ref, error: RequestError) -> None:
        super().__init__(str(error))
        self.ref = ref
        self.error = error


def parse_command(message: str | bytes, now: int) -> Command:
    """Read one message; *now* is ms since the epoch. Raises `Refused`."""
    ref: Ref = None
    try:
        value = load_json(message.encode() if isinstance(message, str) else message, limit=MAX_COMMAND, what="the command")
        if not isinstance(value, dict):
            raise BadRequest("a command must be a JSON object")
        ref = _ref(value)
        return _read(value, ref, now)
    except RequestError as exc:
        raise Refused(ref, exc) from exc


def _ref(value: Mapping[str, Any]) -> Ref:
    ref = value.get("ref")
    if ref is not None and (isinstance(ref, bool) or not isinstance(ref, str | int) or len(str(ref)) > 64):
        raise BadRequest("ref must be a string or an integer of at most 64 characters")
    return ref


def _read(value: Mapping[str, Any], ref: Ref, now: int) -> Command:
    operation = value.get("op")
    if not isinstance(operation, str) or operation not in _MEMBERS:
        raise BadRequest(f"op must be one of {', '.join(_MEMBERS)}, not {str(operation)[:40]!r}")
    _check_members(value, operation)
    match operation:
        case "ping":
            return Ping(ref)
        case "token":
            return Token(ref, _text(value, "token", 16_384))
        case "unsubscribe":
            return Unsubscribe(ref, check_feed_name(_text(value, "feed", 100)))
        case "publish":
            item = value.get("item")
            if not isinstance(item, dict):
                raise BadRequest("item must be the item to publish, a JSON object")
            key = _text(value, "key", 255) if "key" in value else ""
            return Publish(ref, check_feed_name(_text(value, "feed", 100)), item, key)
        case "patch" | "hold" | "release" | "cancel" | "publish-draft" as verb:
            return _change(value, ref, verb)
        case _:
            return _subscribe(value, ref, now)


def _check_members(value: Mapping[str, Any], operation: str) -> None:
    known = _MEMBERS[operation] | {"op", "ref"}
    for name in value:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f": did you mean {near[0]!r}?" if near else ""
            raise BadRequest(f"{name[:80]!r} is not a member of {operation}{hint}")


def _subscribe(value: Mapping[str, Any], ref: Ref, now: int) -> Subscribe:
    last = _integer(value, "last", 0, MAX_LAST)
    start: Start | Since
    if "after" in value:
        start = After(Cursor.parse(_text(value, "after", 128)))
    elif "since" in value:
        start = parse_since(_text(value, "since", 64), now)
    else:
        start = FromNow() if last is None else Newest(last)
    only = Filter(_tags(value), _integer(value, "urgency", 1, 9))
    feed = check_feed_name(_text(value, "feed", 100))
    return Subscribe(ref, feed, start, RESET_ITEMS if last is None else last, only)


def _change(value: Mapping[str, Any], ref: Ref, verb: Verb) -> Change:
    patch = value.get("patch")
    if not isinstance(patch, dict) and (verb == "patch" or patch is not None):
        raise BadRequest("patch must be the fields to change, a JSON object")
    feed = check_feed_name(_text(value, "feed", 100))
    # The item's own rules say what is wrong with a reason.
    reason = value.get("reason", "")
    return Change(ref, feed, _text(value, "id", 128), verb, patch, reason, _integer(value, "version", 1, 2**53))


def _text(value: Mapping[str, Any], name: str, most: int) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= most:
        raise BadRequest(f"{name} must be a string of 1 to {most} characters")
    return text


def _integer(value: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    number = value.get(name)
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise BadRequest(f"{name} must be an integer from {least} to {most}")
    return number


def _tags(value: Mapping[str, Any]) -> frozenset[str]:
    tags = value.get("tags", [])
    if not isinstance(tags, list) or len(tags) > MAX_TAGS:
        raise BadRequest(f"tags must be an array of at most {MAX_TAGS} strings")
    for tag in tags:
        if not isinstance(tag, str) or not 0 < len(tag.strip()) <= MAX_TAG:
            raise BadRequest(f"each of tags must be a string of 1 to {MAX_TAG} characters")
    return frozenset(map(fold_tag, tags))
