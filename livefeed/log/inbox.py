"""The inbox: a stream per feed into which a program in any language puts items, and this moves to the log.

Every worker looks. What makes an entry count exactly once is the append script, which acts only while the entry is the first of
its inbox and deletes it in the same step: nothing is claimed, so nothing has to be claimed back from who died.
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
"""Entries that are fetched at once; they are moved one by one."""

OPERATIONS = ("publish", "upsert", "hold", "release", "cancel")

_DEEDS = {"publish": "published", "upsert": "published", "hold": "withheld", "release": "released", "cancel": "canceled"}
_WIRE = Caller("inbox", key_id="inbox")
"""Redis knows which user it was; an entry does not say."""

_log = structlog.get_logger("livefeed.inbox")


class Inbox:
    """Moves what lies in the feeds' inboxes, through the same door as everything else."""

    def __init__(self, editor: Editor, bell: Doorbell, counters: Counters, audit: Audit) -> None:
        self.editor = editor
        self.bell = bell
        self.counters = counters
        self.audit = audit

    async def run(self) -> None:
        """Move until cancelled; where Redis fails, begin again."""
        pause = 0.1
        while True:
            try:
                await self._turn()
                pause = 0.1
            except Unavailable:
                # The tail says so in the log, once for all.
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)

    async def _turn(self) -> None:
        feeds = {Keys(feed).inbox: feed for feed in await self.editor.catalog.names()}
        # An inbox holds only what is still to be moved, so it is always read from its beginning.
        try:
            rung = await self.bell.wait(dict.fromkeys(feeds, BIRTH))
            filled = [name for name, entries in rung.items() if entries is not None]
        except scripts.WrongTypeError:
            # Some inbox is no stream. The others must not wait for it.
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
                    # Another worker is at it too: look again at what is left.
                    break
            else:
                if len(entries) < BATCH:
                    return

    async def _move(self, feed: str, entry_id: str, fields: Mapping[bytes, bytes]) -> bool:
        """Whether the entry was still there to be moved, or rejected, by this worker."""
        try:
            done = await self._carry_out(feed, entry_id, fields)
        except Unavailable:
            raise
        except RequestError as exc:
            return await self._reject(feed, entry_id, fields, exc)
        if done.item is None and done.event is None:
            return False
        # Where nothing had to be appended (a second hold) no script has taken the entry away.
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
            raise BadRequest("an inbox entry has the field 'item', and may have 'op'; nothing else")
        operation = fields.get(b"op", b"publish").decode("utf-8", "replace")
        if operation not in OPERATIONS:
            raise BadRequest(f"op is one of {', '.join(OPERATIONS)}, not {operation[:40]!r}")
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
            raise BadRequest("the item is a JSON object with 'uri' or 'id', and may have 'reason'")
        if isinstance(named.get("id"), str):
            return str(named["id"])
        if not isinstance(named.get("uri"), str):
            raise BadRequest("the item to hold, release or cancel is named by 'uri' or 'id'")
        item_id = await self.editor.items.id_of(feed, named["uri"])
        if item_id is None:
            raise BadRequest(f"the feed has no item with the uri {named['uri'][:200]!r}")
        return item_id

    async def _reject(self, feed: str, entry_id: str, fields: Mapping[bytes, bytes], error: RequestError) -> bool:
        reason = "; ".join(f"{e.pointer}: {e.detail}" for e in error.errors) if isinstance(error, Invalid) else str(error)
        # Whatever bytes it has, it is kept so that a person can look at it.
        shown = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
        rejected = await self.editor.log.reject(feed, entry_id, reason, orjson.dumps(shown))
        if rejected:
            self.counters.inbox_rejected += 1
            kind = "conflict" if isinstance(error, Conflict) else "unusable"
            _log.warning("an inbox entry was rejected", feed=feed, entry=entry_id, kind=kind, status=error.status)
        return rejected
