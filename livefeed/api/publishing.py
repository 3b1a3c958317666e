"""Publishing and changing items on behalf of a caller: permissions and audit."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from livefeed.commands import Verb
from livefeed.exceptions import Forbidden
from livefeed.grants import Caller, Role
from livefeed.items import Item, ItemInput, encode, parse_item
from livefeed.log.audit import Audit
from livefeed.log.durability import Durability
from livefeed.log.editor import Done, Editor

__all__ = ["Publishing", "done_json"]


def done_json(done: Done) -> bytes:
    """`{"event", "item"}`, the response to a change. The desk's note is not part of it."""
    item = done.item
    if isinstance(item, Item) and item.ed_note:
        item = msgspec.structs.replace(item, ed_note="")
    event = orjson.dumps(str(done.event)) if done.event else b"null"
    return b'{"event":' + event + b',"item":' + (encode(item) if item is not None else b"null") + b"}"


_ACTIONS: dict[Verb, str] = {
    "patch": "item.changed",
    "hold": "item.withheld",
    "release": "item.released",
    "cancel": "item.canceled",
    "publish-draft": "item.published",
}


class Publishing:
    """The part of publishing and of changing items that HTTP and WebSocket have in common."""

    def __init__(self, editor: Editor, audit: Audit) -> None:
        self.editor = editor
        self.audit = audit

    async def publish(
        self,
        caller: Caller,
        feed: str,
        item: bytes | Mapping[str, Any],
        *,
        key: str = "",
        update: bool = False,
        durability: Durability | None = None,
    ) -> Done:
        """Validate and publish *item*. A caller that may only contribute can only submit drafts."""
        caller.require(Role.CONTRIBUTE, feed)
        given = parse_item(item, now=time.time_ns() // 1_000_000)
        self._require_draft(caller, feed, given, update)
        done = await self.editor.publish(
            feed,
            given,
            producer=caller.subject,
            key=key,
            update=update,
            may_create=caller.is_admin,
            durability=durability,
        )
        if done.created:
            self.note(caller, feed, "item.published" if done.event else "item.submitted", done)
        elif update:
            self.note(caller, feed, "item.updated", done)
        return done

    async def change(
        self,
        caller: Caller,
        feed: str,
        item_id: str,
        verb: Verb,
        *,
        patch: object = None,
        reason: str = "",
        expects: int | None = None,
        durability: Durability | None = None,
    ) -> Done:
        """Change an item that exists. A caller that may only contribute can only patch drafts."""
        caller.require(Role.CONTRIBUTE if verb == "patch" else Role.EDIT, feed)
        match verb:
            case "patch":
                drafts_only = not caller.may(Role.EDIT, feed)
                done = await self.editor.patch(
                    feed, item_id, patch, expects=expects, drafts_only=drafts_only, durability=durability
                )
            case "hold":
                done = await self.editor.hold(feed, item_id, reason, expects=expects)
            case "release":
                done = await self.editor.release(feed, item_id, patch, expects=expects)
            case "cancel":
                done = await self.editor.cancel(feed, item_id, reason, expects=expects)
            case "publish-draft":
                done = await self.editor.publish_draft(feed, item_id, expects=expects)
        self.note(caller, feed, _ACTIONS[verb], done)
        return done

    def note(self, caller: Caller, feed: str, action: str, done: Done) -> None:
        item_id = done.item.id if done.item is not None else ""
        self.audit.record(action, caller, feed=feed, item=item_id, cursor=str(done.event or ""))

    @staticmethod
    def _require_draft(caller: Caller, feed: str, given: ItemInput, update: bool) -> None:
        if caller.may(Role.PUBLISH, feed):
            return
        if not given.draft or update:
            raise Forbidden(f'to {feed!r} this credential may only submit drafts: "draft": true, without ?existing=update')
