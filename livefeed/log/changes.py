"""The append script's argument and its results."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import msgspec

from livefeed.cursors import Cursor
from livefeed.events import EventType
from livefeed.filters import fold_tag

__all__ = [
    "Appended",
    "Change",
    "Closed",
    "Exists",
    "Missing",
    "Moved",
    "Outcome",
    "Raced",
    "Repeated",
    "State",
    "is_member",
    "member",
]

State = Literal["usable", "withheld", "canceled", "draft", "scheduled"]

_MEMBER = re.compile(r"[0-9]{15}:[0-9A-Za-z-]{1,64}", re.ASCII)


def member(created: int, item_id: str) -> str:
    """An item's member name in a timeline, which sorts as text by *created* (ms since the epoch), then by id."""
    return f"{max(created, 0):015d}:{item_id}"


def is_member(text: str) -> bool:
    """Whether *text* has the form of a member name, which is a position in the list of items."""
    return _MEMBER.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change to one item.

    *data* is encoded JSON on one line: the item as readers see it, or its tombstone. *desk* is JSON of what never leaves the
    desk. *expects* is the version that the change is based on (0: a new item), *version* the new one. *type* None:
    nothing is appended (drafts, embargoed items). *digest* identifies the content that the producer sent; *key* is its
    `Idempotency-Key`. *erase* removes all earlier events of the item; *due* and *expires* are ms since the epoch.
    """

    item_id: str
    uri: str
    data: bytes
    expects: int
    version: int
    state: State
    created: int
    type: EventType | None = None
    desk: bytes = b""
    tags: tuple[str, ...] = ()
    urgency: int = 5
    digest: str = ""
    key: str = ""
    update: bool = False
    """Whether other content for an existing `uri` is an update instead of a conflict."""
    erase: Literal["", "hold", "cancel"] = ""
    due: int | None = None
    expires: int | None = None
    inbox: str = ""
    """The inbox entry that requested this change. It is deleted in the same step, which fails unless it is the first entry."""

    def packed(self) -> bytes:
        wanted: dict[str, object] = {
            "id": self.item_id,
            "subject": self.uri,
            # Redis's MessagePack knows no binary type.
            "desk": self.desk.decode(),
            "expects": self.expects,
            "version": self.version,
            "state": self.state,
            "member": member(self.created, self.item_id),
            "tags": "\n".join(dict.fromkeys(fold_tag(tag) for tag in self.tags)),
            "urgency": self.urgency,
        }
        if self.state == "usable":
            wanted["listed"] = True
        if self.expects == 0:
            wanted["new"] = True
        optional = {
            "type": self.type and self.type.value,
            "digest": self.digest,
            "key": self.key,
            "update": self.update,
            "erase": self.erase,
            "due": self.due,
            "expires": self.expires,
            "inbox": self.inbox,
        }
        # Lua treats "" and 0 as true, so unset fields are omitted.
        wanted.update((name, value) for name, value in optional.items() if value)
        return msgspec.msgpack.encode(wanted)


@dataclass(frozen=True, slots=True)
class Appended:
    """The change was made. *cursor* is the event's, None when nothing was appended. *foreign*: entries removed from the log."""

    cursor: Cursor | None
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same content was published before under this `uri` or key: nothing was appended. *cursor* is that event's."""

    item_id: str
    cursor: Cursor | None


@dataclass(frozen=True, slots=True)
class Exists:
    """The `uri` or key belongs to other content, of the item *item_id*."""

    item_id: str


@dataclass(frozen=True, slots=True)
class Raced:
    """The item is at another version than the change was made from."""

    version: int


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such feed."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The feed takes no new items."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The inbox entry is no longer the first: another worker has moved it."""


Outcome = Appended | Repeated | Exists | Raced | Missing | Closed | Moved
