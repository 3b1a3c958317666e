"""Moves: the state transitions of an item, as changes for the append script.

    draft ──publish──▶ scheduled ──its time──▶ usable ◀─release/hold─▶ withheld
      └─────────────────┴──────── cancel ────────┴─────────────────────────┴──▶ canceled (for good)

A move returns the new item and the `Change` to make, or None if the item is already in that state.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import msgspec

from livefeed.cursors import Cursor
from livefeed.events import EventType
from livefeed.exceptions import Conflict
from livefeed.items import Item, ItemInput, Tombstone, encode, parse_time
from livefeed.log.changes import Change, State
from livefeed.log.itemstore import StoredItem
from livefeed.patches import apply_patch, refuse_unpublishing
from livefeed.versions import first_version, going_out, next_version, outcome, replacement, restored, withdrawn

__all__ = ["Current", "born", "canceled", "digest_of", "due", "held", "patched", "published", "released", "updated"]

_item = msgspec.json.Decoder(Item)
_tombstone = msgspec.json.Decoder(Tombstone)


class _Desk(msgspec.Struct, omit_defaults=True, rename="camel"):
    """Fields stored beside an item that only the desk sees."""

    ed_note: str = ""


_desk = msgspec.json.Decoder(_Desk)


@dataclass(frozen=True, slots=True)
class Current:
    """An item as stored in Redis: complete, or its tombstone."""

    item: Item | None
    """None if it is withheld or canceled."""
    left: Item | Tombstone
    state: State
    first: Cursor | None
    last: Cursor | None
    sealed: Item | None = None
    """The text of a withheld item, if it was requested."""

    @classmethod
    def read(cls, stored: StoredItem) -> Current:
        if stored.state in ("withheld", "canceled"):
            return cls(None, _tombstone.decode(stored.data), stored.state, stored.first, stored.last)
        item = _item.decode(stored.data)
        note = _desk.decode(stored.desk).ed_note if stored.desk else ""
        if note or stored.state == "draft":
            item = msgspec.structs.replace(item, ed_note=note, draft=stored.state == "draft")
        return cls(item, item, stored.state, stored.first, stored.last)

    @property
    def version(self) -> int:
        return self.left.version

    def whole(self, deed: str) -> Item:
        """The complete item, else raises a `Conflict` that says why *deed* is impossible."""
        if self.item is not None:
            return self.item
        if self.state == "canceled":
            raise Conflict(f"this item was killed permanently and you cannot {deed} it; publish a new one")
        raise Conflict(f"this item is withheld and you cannot {deed} it: release it (optionally with a merge patch) or cancel it")


def digest_of(given: ItemInput) -> str:
    """A digest of the content, equal when the same is published again. It does not reveal the content."""
    return sha256(encode(given)).hexdigest()[:32]


def born(given: ItemInput, *, item_id: str, now: int, producer: str, key: str, update: bool, inbox: str) -> tuple[Item, Change]:
    item = first_version(given, item_id=item_id, now=now, producer=producer)
    state = _state(item, now)
    told = EventType.PUBLISHED if state == "usable" else None
    return item, _with_text(item, 0, state, told, digest=digest_of(given), key=key, update=update, inbox=inbox)


def updated(current: Current, given: ItemInput, *, now: int, key: str, inbox: str) -> tuple[Item, Change] | None:
    """A producer publishes the whole item again."""
    old = current.whole("update")
    whole = replacement(old, given)
    if current.state == "usable":
        refuse_unpublishing(whole, now=now)
    new = next_version(old, whole, now=now)
    told = outcome(old, new, labelled=bool(given.correction) and given.correction != old.correction)
    if told is None:
        return None
    return _step(current, new, told, now, digest=digest_of(given), key=key, update=True, inbox=inbox)


def patched(current: Current, patch: object, *, now: int) -> tuple[Item, Change] | None:
    new, told = apply_patch(current.whole("change"), patch, now=now, out=current.state == "usable")
    return None if told is None else _step(current, new, told, now)


def published(current: Current, *, now: int) -> tuple[Item, Change] | None:
    """Publish a draft, or put it on the due list until its embargo ends."""
    item = current.whole("publish")
    if current.state != "draft":
        return None
    return _step(current, msgspec.structs.replace(item, draft=False, version=item.version + 1), EventType.PUBLISHED, now)


def due(current: Current, *, now: int) -> tuple[Item, Change] | None:
    """Publish a scheduled item, if it is due at *now* by Redis' clock."""
    if current.item is None or current.state != "scheduled" or _state(current.item, now) != "usable":
        return None
    item = msgspec.structs.replace(current.item, version=current.version + 1)
    return _step(current, item, EventType.PUBLISHED, now)


def held(current: Current, reason: str, *, now: int, inbox: str = "") -> tuple[Tombstone, Change] | None:
    if current.state == "withheld":
        return None
    item = current.whole("hold")
    if current.state != "usable":
        raise Conflict(
            f"this item is {current.state}: it has not been published, so there is nothing to hold; patch or cancel it"
        )
    stone = withdrawn(item, "withheld", reason, now=now)
    return stone, _without_text(stone, current, "withheld", EventType.WITHHELD, "hold", inbox)


def canceled(current: Current, reason: str, *, now: int, inbox: str = "") -> tuple[Tombstone, Change] | None:
    if current.state == "canceled":
        return None
    stone = withdrawn(current.left, "canceled", reason, now=now)
    # An item that was never published is canceled without an event.
    told = EventType.CANCELED if current.first else None
    return stone, _without_text(stone, current, "canceled", told, "cancel", inbox)


def released(current: Current, patch: object, *, now: int, inbox: str = "") -> tuple[Item, Change] | None:
    """Make it usable again, with *patch* applied, so that a wrong text need not be published once more."""
    if not isinstance(current.left, Tombstone):
        if current.state != "usable" or patch is not None:
            raise Conflict(f"this item is {current.state}, not withheld: there is nothing to release")
        return None
    if current.sealed is None:
        raise Conflict("this item was killed permanently and cannot be released; publish a new one")
    item = current.sealed if patch is None else apply_patch(current.sealed, patch, now=now)[0]
    again = restored(item, current.left, now=now)
    return again, _with_text(again, current.version, "usable", EventType.RELEASED, inbox=inbox)


def _state(item: Item, now: int) -> Literal["draft", "scheduled", "usable"]:
    if item.draft:
        return "draft"
    return "scheduled" if item.embargoed_until and parse_time(item.embargoed_until) > now else "usable"


def _step(
    current: Current,
    new: Item,
    told: EventType,
    now: int,
    *,
    digest: str = "",
    key: str = "",
    update: bool = False,
    inbox: str = "",
) -> tuple[Item, Change]:
    """The change from *current* to *new*, with an event only if readers may see *new*."""
    state = _state(new, now)
    event: EventType | None = told
    if state != "usable":
        event = None
    elif current.state != "usable":
        event = EventType.PUBLISHED
        new = going_out(msgspec.structs.replace(new, version=current.version), now=now)
    return new, _with_text(new, current.version, state, event, digest=digest, key=key, update=update, inbox=inbox)


def _with_text(
    item: Item,
    expects: int,
    state: State,
    told: EventType | None,
    *,
    digest: str = "",
    key: str = "",
    update: bool = False,
    inbox: str = "",
) -> Change:
    return Change(
        item_id=item.id,
        uri=item.uri,
        data=encode(item.public()),
        desk=msgspec.json.encode(_Desk(ed_note=item.ed_note)) if item.ed_note else b"",
        expects=expects,
        version=item.version,
        state=state,
        created=parse_time(item.content_created),
        type=told,
        tags=item.tags,
        urgency=item.urgency,
        digest=digest,
        key=key,
        update=update,
        due=parse_time(item.embargoed_until) if state == "scheduled" else None,
        expires=parse_time(item.expires) if item.expires else None,
        inbox=inbox,
    )


def _without_text(
    stone: Tombstone, current: Current, state: State, told: EventType | None, erase: Literal["hold", "cancel"], inbox: str
) -> Change:
    return Change(
        item_id=stone.id,
        uri=stone.uri,
        data=encode(stone),
        expects=current.version,
        version=stone.version,
        state=state,
        created=parse_time(stone.content_created),
        type=told,
        urgency=9,
        erase=erase,
        inbox=inbox,
    )
