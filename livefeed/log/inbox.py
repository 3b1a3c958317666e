"""The inbox: a stream per feed to which programs in any language add items, which workers move to the log.

Every worker reads the inboxes. An entry takes effect exactly once because the append script acts only while it is the first
entry of its inbox, and deletes it in the same step. No entry is claimed, so none has to be reclaimed from a dead worker.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

from livefeed.counters import Counters
from livefeed.cursors import BIRTH
from livefeed.exceptions import BadRequest, Conflict, Invalid, RequestError, Unavailable
from livefeed.grants import Caller
from livefeed.items import parse_item
from livefeed.jsondoor import load_json
from livefeed.log import scripts
from livefeed.log.audit import Audit
from livefeed.log.doorbell import BLOCK, Doorbell
from livefeed.log.editor import Done, Editor
from livefeed.log.keys import Keys

__all__ = ["Inbox"]

BATCH = 100
"""Entries per read; they are moved one by one."""

OPERATIONS = ("publish", "upsert", "hold", "release", "cancel")

_DEEDS = {"publish": "published", "upsert": "published", "hold": "withheld", "release": "released", "cancel": "canceled"}
_WIRE = Caller("inbox", key_id="inbox")
"""The producer's name in the audit trail: an entry does not say which Redis user added it."""

_log = structlog.get_logger("livefeed.inbox")


class Inbox:
    """Moves inbox entries to the logs by way of the editor."""

    def __init__(self, editor: Editor, bell: Doorbell, counters: Counters, audit: Audit) -> None:
        self.editor = editor
        self.bell = bell
        self.counters = counters
        self.audit = audit

    async def run(self) -> None:
        """Move entries until cancelled; retry when Redis fails."""
        pause = 0.1
        while True:
            try:
                await self._turn()
                pause = 0.1
            except Unavailable:
                # The tail logs the outage.
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)

    async def _turn(self) -> None:
        feeds = {Keys(feed).inbox: feed for feed in await self.editor.catalog.names()}
        # An inbox contains only entries that are still to be moved, so it is always read from its beginning.
        try:
            rung = await self.bell.wait(dict.fromkeys(feeds, BIRTH))
            filled = [name for name, entries in rung.items() if entries is not None]
        except scripts.WrongTypeError:
            # Some inbox key is not a stream. The others must not wait for it.
            filled = list(feeds)
        for name in filled:
            try:
                await self._empty(feeds[name])
            except scripts.WrongTypeError as exc:
                _log.warning("the inbox cannot be moved", feed=feeds[name], reason=str(exc))
                await asyncio.sleep(BLOCK / 10_000)

    async def _empty(self, feed: str) -> None:
        while True:
            entries = await scripts.command(self.editor.log.redis, "XRANGE", Keys(feed).inbox, "-", "+", "COUNT", BATCH)
            for entry_id, fields in entries:
                if not await self._move(feed, entry_id.decode(), fields):
                    # Another worker is moving entries too: read again.
                    break
            else:
                if len(entries) < BATCH:
                    return

    async def _move(self, feed: str, entry_id: str, fields: Mapping[bytes, bytes]) -> bool:
        """Move or reject the entry. False if another worker was faster."""
        try:
            done = await self._carry_out(feed, entry_id, fields)
        except Unavailable:
            raise
        except RequestError as exc:
            return await self._reject(feed, entry_id, fields, exc)
        if done.item is None and done.event is None:
            return False
        # If nothing had to be appended (a second hold), no script has deleted the entry.
        await scripts.command(self.editor.log.redis, "XDEL", Keys(feed).inbox, entry_id)
        self.counters.inbox_moved += 1
        self._note(feed, fields, done)
        return True

    def _note(self, feed: str, fields: Mapping[bytes, bytes], done: Done) -> None:
        operation = fields.get(b"op", b"publish").decode()
        if operation == "publish" and not done.created:
            return
        deed = "updated" if operation == "upsert" and not done.created else _DEEDS[operation]
        item_id = "" if done.item is None else done.item.id
        self.audit.record(f"item.{deed}", _WIRE, feed=feed, item=item_id, cursor=str(done.event or ""))

    async def _carry_out(self, feed: str, entry_id: str, fields: Mapping[bytes, bytes]) -> Done:
        unknown = fields.keys() - {b"item", b"op"}
        if unknown or b"item" not in fields:
            raise BadRequest("an inbox entry must have the field 'item' and may have 'op', and no other")
        operation = fields.get(b"op", b"publish").decode("utf-8", "replace")
        if operation not in OPERATIONS:
            raise BadRequest(f"op must be one of {', '.join(OPERATIONS)}, not {operation[:40]!r}")
        if operation in ("publish", "upsert"):
            given = parse_item(fields[b"item"], now=time.time_ns() // 1_000_000)
            return await self.editor.publish(feed, given, producer="inbox", update=operation == "upsert", inbox=entry_id)
        named = load_json(fields[b"item"], limit=64 * 1024, what="the item")
        item_id = await self._find(feed, named)
        reason = named.get("reason", "")
        match operation:
            case "hold":
                return await self.editor.hold(feed, item_id, reason, inbox=entry_id)
            case "cancel":
                return await self.editor.cancel(feed, item_id, reason, inbox=entry_id)
            case _:
                return await self.editor.release(feed, item_id, inbox=entry_id)

    async def _find(self, feed: str, named: Any) -> str:
        """The item that a hold, release or cancel names, by its `uri` or its `id`."""
        if not isinstance(named, dict) or not isinstance(named.get("reason", ""), str):
            raise BadRequest("the item must be a JSON object with 'uri' or 'id', and may have 'reason'")
        if isinstance(named.get("id"), str):
            return str(named["id"])
        if not isinstance(named.get("uri"), str):
            raise BadRequest("the item to hold, release or cancel must be named by 'uri' or 'id'")
        item_id = await self.editor.items.id_of(feed, named["uri"])
        if item_id is None:
            raise BadRequest(f"the feed has no item with the uri {named['uri'][:200]!r}")
        return item_id

    async def _reject(self, feed: str, entry_id: str, fields: Mapping[bytes, bytes], error: RequestError) -> bool:
        reason = "; ".join(f"{e.pointer}: {e.detail}" for e in error.errors) if isinstance(error, Invalid) else str(error)
        # Whatever its bytes are, it is kept for a person to inspect.
        shown = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
        rejected = await self.editor.log.reject(feed, entry_id, reason, orjson.dumps(shown))
        if rejected:
            self.counters.inbox_rejected += 1
            kind = "conflict" if isinstance(error, Conflict) else "unusable"
            _log.warning("an inbox entry was rejected", feed=feed, entry=entry_id, kind=kind, status=error.status)
        return rejected
