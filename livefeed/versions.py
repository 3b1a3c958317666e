"""Versions of items: how one follows another, and the resulting events."""

from __future__ import annotations

import msgspec

from livefeed.events import EventType, rfc3339
from livefeed.exceptions import FieldError, Invalid, TooLarge
from livefeed.items import MAX_EVENT, Item, ItemInput, Origin, PubStatus, Tombstone, encode

__all__ = ["first_version", "going_out", "next_version", "outcome", "replacement", "restored", "withdrawn"]

_FLAGS = ("pinned", "pin_rank", "key_event", "highlight")
"""Flags set by the desk, which do not change an item's content."""

_ENVELOPE = 2048
"""Maximum size in bytes of a CloudEvent without its data."""


def first_version(given: ItemInput, *, item_id: str, now: int, producer: str) -> Item:
    """A new item at *now* (ms). A `uri` is made when none was given."""
    at = rfc3339(now)
    return _built(
        given,
        id=item_id,
        uri=given.uri or f"urn:uuid:{item_id}",
        version=1,
        pub_status="usable",
        first_created=at,
        version_created=at,
        origin=Origin(producer=producer, ingested=at),
        now=now,
    )


def next_version(item: Item, given: ItemInput, *, now: int) -> Item:
    """*item* with *given* for its content; its identity stays."""
    if given.uri and given.uri != item.uri:
        raise Invalid(FieldError("/uri", "identity", "uri: is the identity of an item and cannot change: publish a new one"))
    return _built(
        given,
        id=item.id,
        uri=item.uri,
        version=item.version + 1,
        pub_status=item.pub_status,
        first_created=item.first_created,
        version_created=_later(item, now),
        origin=item.origin,
        now=now,
    )


def going_out(item: Item, *, now: int) -> Item:
    """The next version of a draft or a scheduled item, which readers see first.

    Unless it was given a time, its editorial time is the time of publication.
    """
    at = _later(item, now)
    created = at if item.content_created == item.first_created else min(item.content_created, at)
    return msgspec.structs.replace(item, version=item.version + 1, version_created=at, content_created=created, draft=False)


def withdrawn(left: Item | Tombstone, status: PubStatus, reason: str, *, now: int) -> Tombstone:
    """What is left of an item that is withheld or killed; a killed one keeps the reason of its hold when it is given none."""
    stone = left.tombstone(reason) if isinstance(left, Item) else left
    return msgspec.structs.replace(
        stone, version=left.version + 1, pub_status=status, version_created=_later(left, now), reason=reason or stone.reason
    )


def restored(item: Item, left: Tombstone, *, now: int) -> Item:
    """The sealed *item*, as the version that follows its tombstone."""
    return msgspec.structs.replace(
        item, version=left.version + 1, pub_status="usable", version_created=_later(left, now), draft=False
    )


def replacement(item: Item, given: ItemInput) -> ItemInput:
    """A resubmitted item, which replaces everything; the desk's flags, the note and the time are kept unless they are given."""
    kept = {name: getattr(item, name) for name in (*_FLAGS, "ed_note", "content_created") if not getattr(given, name)}
    return msgspec.structs.replace(given, **kept)


def outcome(old: Item, new: Item, *, labelled: bool) -> EventType | None:
    """The event type for a change, by precedence; None if nothing changed. *labelled*: as a correction."""
    changed = {name for name in ItemInput.__struct_fields__ if getattr(old, name) != getattr(new, name)}
    if not changed:
        return None
    if labelled and new.correction:
        return EventType.CORRECTED
    if changed - set(_FLAGS):
        return EventType.UPDATED
    if "pinned" in changed or ("pin_rank" in changed and new.pinned):
        return EventType.PINNED if new.pinned else EventType.UNPINNED
    return EventType.FLAGGED


def _later(item: Item | Tombstone, now: int) -> str:
    """Clocks step back; versions do not."""
    return max(rfc3339(now), item.version_created)


def _built(
    given: ItemInput,
    *,
    id: str,  # noqa: A002  # the item's own name for it
    uri: str,
    version: int,
    pub_status: PubStatus,
    first_created: str,
    version_created: str,
    origin: Origin | None,
    now: int,
) -> Item:
    content = msgspec.structs.asdict(given)
    # A time slightly in the future would stay at the top of every list until the clock has caught up.
    latest = max(rfc3339(now), first_created, given.embargoed_until)
    content |= {"uri": uri, "content_created": min(given.content_created or first_created, latest)}
    item = Item(
        **content,
        id=id,
        version=version,
        pub_status=pub_status,
        first_created=first_created,
        version_created=version_created,
        origin=origin,
    )
    if (size := len(encode(item))) > MAX_EVENT - _ENVELOPE:
        raise TooLarge(f"the item has {size:,} bytes: {MAX_EVENT - _ENVELOPE:,} are allowed; shorten its body and give a link")
    return item
