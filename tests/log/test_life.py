"""The life of an item against a model of it: any order of deeds, each answered and told as the model says."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from livefeed.cursors import BIRTH, Cursor
from livefeed.events import EventType
from livefeed.exceptions import Conflict, Invalid, RequestError
from livefeed.holes import Page
from livefeed.items import Item, parse_item
from livefeed.log.editor import Done, Editor
from tests.log.appending import FEED

FAR = "2999-01-01T00:00:00.000Z"
LIVES, DEEDS = 30, 25

Told = EventType | None | type[RequestError]
"""What a deed comes to: an event, no event, or a refusal."""


@dataclass
class Model:
    """What is to be true of one item; each deed tells what it comes to."""

    text: str
    draft: bool = False
    embargo: bool = False
    status: str = "usable"
    out: bool = False
    version: int = 1
    log: list[EventType] = field(default_factory=list)

    @property
    def state(self) -> str:
        if self.status != "usable":
            return self.status
        return "draft" if self.draft else "scheduled" if self.embargo else "usable"

    def _next(self, told: EventType | None) -> EventType | None:
        """One version more. What was hidden and is not any more has been published, whatever the deed was."""
        self.version += 1
        if self.state in ("draft", "scheduled"):
            return None
        if not self.out and self.state == "usable":
            told = EventType.PUBLISHED
        if told is not None:
            self.out = True
            self.log = [] if told.removes else self.log
            self.log.append(told)
        return told

    def patch(self, **changes: Any) -> Told:
        if self.status != "usable":
            return Conflict
        if self.out and (changes.get("draft") or changes.get("embargo")):
            return Invalid
        if all(getattr(self, name) == value for name, value in changes.items()):
            return None
        for name, value in changes.items():
            setattr(self, name, value)
        return self._next(EventType.UPDATED)

    def hold(self) -> Told:
        if self.state != "usable":
            return None if self.state == "withheld" else Conflict
        self.status = "withheld"
        return self._next(EventType.WITHHELD)

    def release(self, text: str = "") -> Told:
        if self.state != "withheld":
            return None if self.state == "usable" and not text else Conflict
        self.status, self.text = "usable", text or self.text
        return self._next(EventType.RELEASED)

    def cancel(self) -> Told:
        if self.state == "canceled":
            return None
        told = EventType.CANCELED if self.out else None
        self.status = "canceled"
        return self._next(told)

    def publish(self) -> Told:
        if self.state != "draft":
            return None if self.status == "usable" else Conflict
        self.draft = False
        return self._next(EventType.PUBLISHED)


class Life:
    """One item in Redis beside its model."""

    def __init__(self, editor: Editor, chance: random.Random) -> None:
        self.editor = editor
        self.chance = chance
        self.texts = 0

    def words(self) -> str:
        self.texts += 1
        return f"text {self.texts}"

    async def begin(self) -> None:
        begun: dict[str, Any] = self.chance.choice([{}, {"draft": True}, {"embargoedUntil": FAR}])
        done = await self.editor.publish(FEED, parse_item({"headline": self.words(), **begun}, now=0))
        assert isinstance(done.item, Item)
        self.id = done.item.id
        self.model = Model("text 1", draft="draft" in begun, embargo="embargoedUntil" in begun, out=not begun)
        self.model.log = [EventType.PUBLISHED] if not begun else []

    async def do(self) -> None:
        editor, model = self.editor, self.model
        words = self.words()
        deeds: list[tuple[Callable[[], Told], Callable[[], Any]]] = [
            (lambda: model.patch(text=words), lambda: editor.patch(FEED, self.id, {"headline": words})),
            (lambda: model.patch(text=model.text), lambda: editor.patch(FEED, self.id, {"headline": model.text})),
            (lambda: model.patch(embargo=True), lambda: editor.patch(FEED, self.id, {"embargoedUntil": FAR})),
            (lambda: model.patch(embargo=False), lambda: editor.patch(FEED, self.id, {"embargoedUntil": None})),
            (lambda: model.patch(draft=True), lambda: editor.patch(FEED, self.id, {"draft": True})),
            (lambda: model.patch(draft=False), lambda: editor.patch(FEED, self.id, {"draft": None})),
            (model.hold, lambda: editor.hold(FEED, self.id)),
            (model.release, lambda: editor.release(FEED, self.id)),
            (lambda: model.release(words), lambda: editor.release(FEED, self.id, {"headline": words})),
            (model.publish, lambda: editor.publish_draft(FEED, self.id)),
            (model.cancel, lambda: editor.cancel(FEED, self.id)),
        ]
        # A kill ends a life, so that most lives see it late.
        expect, act = self.chance.choices(deeds, [2, 1, 1, 1, 1, 1, 3, 2, 2, 2, 0.4])[0]
        before = model.version
        told = expect()
        if isinstance(told, type):
            with pytest.raises(told):
                await act()
            return
        done: Done = await act()
        assert (done.event is None) == (not model.log), "who made the change is told the item's last event"
        assert done.item is not None
        assert done.item.version == model.version
        assert model.version == before or told is None or (await self.logged())[-1] == (done.event, told)

    async def logged(self) -> list[tuple[Cursor, EventType]]:
        page = await self.editor.log.read(FEED, BIRTH, 10_000)
        assert isinstance(page, Page)
        return [(event.cursor, event.type) for event in page.events if event.item_id == self.id]

    async def check(self) -> None:
        model = self.model
        current = await self.editor.current(FEED, self.id)
        assert (current.state, current.version) == (model.state, model.version)
        assert (current.item.headline if current.item else "") == (model.text if model.status == "usable" else "")
        assert [kind for _, kind in await self.logged()] == model.log
        listed = [row.member.partition(":")[2] for row in (await self.editor.items.newest(FEED, 200)).rows]
        assert (self.id in listed) == (model.state == "usable")
        assert ([*await self.editor.due_list.next_times([FEED])] == [FEED]) == (model.state == "scheduled")


@pytest.mark.parametrize("seed", range(LIVES))
async def test_a_life_is_as_the_model_says(editor: Editor, seed: int) -> None:
    life = Life(editor, random.Random(seed))
    await life.begin()
    await life.check()
    for _ in range(DEEDS):
        await life.do()
        await life.check()
