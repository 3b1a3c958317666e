"""Patches: changes to an item as JSON merge patches (RFC 7396)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from livefeed.events import EventType
from livefeed.exceptions import FieldError, Invalid
from livefeed.items import Item, ItemInput, check_item, parse_time, unknown_fields
from livefeed.versions import next_version, outcome

__all__ = ["apply_patch", "merge", "refuse_unpublishing"]


def merge(target: Any, patch: Any) -> Any:
    """*target* with *patch* merged in: null removes, objects merge, everything else replaces (RFC 7396, section 2)."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def apply_patch(item: Item, patch: object, *, now: int, out: bool = True) -> tuple[Item, EventType | None]:
    """The next version of *item*, and the event that tells of it; *item* itself and None when *patch* changes nothing.

    *out*: readers have seen it, so that it cannot become a draft or be put off any more.
    """
    if not isinstance(patch, Mapping):
        raise Invalid(FieldError("", "type", "a merge patch must be a JSON object"))
    errors = unknown_fields(patch)  # also those that are null: removing what cannot exist is a mistake in a name
    if patch.get("uri", "") is None:
        errors.append(FieldError("/uri", "identity", "uri: is the identity of an item and cannot be removed"))
    if errors:
        raise Invalid(*errors)
    moved = "contentCreated" in patch
    given = check_item(merge(msgspec.to_builtins(item.given()), patch), now=now if moved else None)
    if out:
        refuse_unpublishing(given, now=now)
    new = next_version(item, given, now=now)
    told = outcome(item, new, labelled="correction" in patch)
    return (item, None) if told is None else (new, told)


def refuse_unpublishing(given: ItemInput, *, now: int) -> None:
    """Raise `Invalid` if a published item would become a draft or be embargoed."""
    if given.draft:
        raise Invalid(FieldError("/draft", "state", "draft: what has been published is no draft any more: hold it instead"))
    if given.embargoed_until and parse_time(given.embargoed_until) > now:
        raise Invalid(FieldError("/embargoedUntil", "state", "embargoedUntil: the item is out already: hold it instead"))
