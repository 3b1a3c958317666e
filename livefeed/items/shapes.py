"""Rules for lists and objects: all entries are validated, and all errors are reported together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import Any, Self

from livefeed.exceptions import FieldError, Invalid
from livefeed.filters import MAX_TAG, fold_tag
from livefeed.items.rules import Rule, Schema, Text, broken, kind

__all__ = ["ListOf", "Record", "Tags"]

MAX_UNKNOWN = 10
"""Maximum number of unknown names that are reported per object, because finding the closest known name is expensive."""


@dataclass(frozen=True, slots=True)
class ListOf:
    each: Rule
    most: int

    def check(self, value: object, at: str) -> tuple[Any, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise broken(at, "type", f"must be a list, not {kind(value)}")
        if len(value) > self.most:
            raise broken(at, "count", f"has {len(value):,} entries: at most {self.most} are allowed")
        kept: list[Any] = []
        errors: list[FieldError] = []
        for index, entry in enumerate(value):
            try:
                kept.append(self.each.check(entry, f"{at}/{index}"))
            except Invalid as invalid:
                errors += invalid.errors
        if errors:
            raise Invalid(*errors)
        return tuple(kept)

    def schema(self) -> Schema:
        return {"type": "array", "maxItems": self.most, "items": self.each.schema()}


@dataclass(frozen=True, slots=True)
class Tags:
    """Unique labels: of several that fold to the same, the first one is kept."""

    labels: ListOf

    @classmethod
    def up_to(cls, most: int) -> Self:
        return cls(ListOf(Text(MAX_TAG, least=1), most))

    def check(self, value: object, at: str) -> tuple[str, ...]:
        tags = self.labels.check(value, at)
        return tuple({fold_tag(tag): tag for tag in reversed(tags)}.values())[::-1]

    def schema(self) -> Schema:
        return self.labels.schema()


@dataclass(frozen=True, slots=True)
class Record:
    """An object with exactly these *fields*; *make* receives them as keyword arguments in snake_case."""

    fields: Mapping[str, Rule]
    make: Callable[..., Any]
    required: tuple[str, ...] = ()
    foreign: Mapping[str, str] = field(default_factory=dict)
    """Names that are known but not allowed in input, with the reason."""

    def check(self, value: object, at: str) -> Any:
        if not isinstance(value, Mapping):
            raise broken(at, "type", f"must be an object, not {kind(value)}")
        kept, errors = self.collect(value, at)
        if errors:
            raise Invalid(*errors)
        return self.make(**kept)

    def collect(self, value: Mapping[str, object], at: str) -> tuple[dict[str, Any], list[FieldError]]:
        """The valid values by Python name, and the errors."""
        kept: dict[str, Any] = {}
        errors = self.unknown(value, at)
        errors += [FieldError(f"{at}/{n}", "required", f"{at[1:]}/{n} is required") for n in self.required if n not in value]
        for name, given in value.items():
            if (rule := self.fields.get(name)) is None:
                continue
            try:
                kept[_snake(name)] = rule.check(given, f"{at}/{name}")
            except Invalid as invalid:
                errors += invalid.errors
        return kept, errors

    def unknown(self, value: Mapping[str, object], at: str = "") -> list[FieldError]:
        names = [str(name) for name in value if name not in self.fields]
        errors = [self._unknown(name, f"{at}/{_escape(name)}") for name in names[:MAX_UNKNOWN]]
        if len(names) > MAX_UNKNOWN:
            errors.append(FieldError(at, "unknown", f"and {len(names) - MAX_UNKNOWN:,} more are not known fields"))
        return errors

    def _unknown(self, name: str, pointer: str) -> FieldError:
        if name in self.foreign:
            return FieldError(pointer, "server", f"{name}: {self.foreign[name]}")
        near = get_close_matches(name[:80], self.fields, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(self.fields)}"
        return FieldError(pointer, "unknown", f"{name[:80]!r} is not a known field: {hint}")

    def schema(self) -> Schema:
        schema: Schema = {"type": "object", "properties": {name: rule.schema() for name, rule in self.fields.items()}}
        if self.required:
            schema["required"] = list(self.required)
        return {**schema, "additionalProperties": False}


def _escape(name: str) -> str:
    """RFC 6901, section 3; names longer than any known one are cut."""
    return name[:80].replace("~", "~0").replace("/", "~1")


@cache  # only the names of known fields come here
def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
