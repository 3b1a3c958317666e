"""A hot folder: converts files that an agency or newsroom system delivers to items.

A file is read once its size has stopped changing. It is then moved to `done/`, or to `failed/` with a note.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

import orjson
import structlog
import watchfiles

from livefeed import Item, Outbox, item_from_ninjs
from livefeed.exceptions import Invalid
from producers.newsml import NotNewsML, read_newsml

__all__ = ["Folder"]

_log = structlog.get_logger("producers.folder")

MAX_BYTES = 5 * 1024 * 1024
_UNFINISHED = (".tmp", ".part", ".filepart", ".crdownload", ".swp", "~")

_NINJS = frozenset(
    {"headlines", "bodies", "descriptions", "versionCreated", "versioncreated", "pubStatus", "pubstatus", "body_text"}
    | {"body_html", "body_xhtml", "representationType", "representationtype", "profile", "standard", "infosources"}
)
"""Names that only occur in ninjs objects, not in Livefeed items."""

_Taken = tuple[Item, str]
"""An item and its status: usable, withheld or canceled."""


class _Unusable(Exception):
    """The file contains no item; the message states the reason in one sentence."""


class Folder:
    """Watches one folder, without its subfolders, for one feed."""

    def __init__(self, path: Path, feed: str, outbox: Outbox, *, settle: float = 1.0) -> None:
        self._path = path
        self._feed = feed
        self._outbox = outbox
        self._settle = settle
        self._log = _log.bind(folder=str(path), feed=feed)

    async def once(self) -> bool:
        """Process the files that are there. Returns whether all of them were valid."""
        self._make_folders()
        good = True
        pending = self._sizes()
        while pending:
            await asyncio.sleep(self._settle)
            now = self._sizes()
            for name in [name for name, size in pending.items() if now.get(name) == size]:
                good &= await self._take(self._path / name)
            pending = self._sizes()
        return good

    async def watch(self) -> None:
        """Process the files that are there, and new ones, forever."""
        await self.once()
        # The second check of sizes must happen even without further changes: hence the timeout. It also covers file systems
        # without change notifications.
        beat = max(100, int(self._settle * 1000))
        async for _ in watchfiles.awatch(self._path, recursive=False, step=50, rust_timeout=beat, yield_on_timeout=True):
            await self.once()

    def _make_folders(self) -> None:
        for name in ("done", "failed"):
            (self._path / name).mkdir(exist_ok=True)

    def _sizes(self) -> dict[str, tuple[int, int]]:
        """The files to process, with size and modification time. Symbolic links are not followed, as they could lead anywhere."""
        found: dict[str, tuple[int, int]] = {}
        for entry in os.scandir(self._path):
            if entry.name.startswith(".") or entry.name.lower().endswith(_UNFINISHED):
                continue
            try:
                info = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(info.st_mode):
                found[entry.name] = info.st_size, info.st_mtime_ns
        return dict(sorted(found.items(), key=lambda named: (named[1][1], named[0])))

    async def _take(self, file: Path) -> bool:
        try:
            taken = _read(file)
        except (_Unusable, NotNewsML, Invalid, OSError) as error:
            self._log.error("file failed", file=file.name, reason=str(error))
            self._move(file, "failed").with_suffix(".reason.txt").write_text(f"{error}\n", encoding="utf-8")
            return False
        await self._put(taken)
        self._move(file, "done")
        self._log.info("file taken", file=file.name, items=len(taken))
        return True

    async def _put(self, taken: list[_Taken]) -> None:
        """If killed before the move, the file is processed again: the same items with the same state, which has no effect."""
        held = await self._outbox.notes(self._name(item["uri"]) for item, _ in taken)
        notes: dict[str, str] = {}
        entries: list[tuple[str, Item, Any]] = []
        for item, status in taken:
            name = self._name(item["uri"])
            if status in ("canceled", "withheld"):
                entries.append((self._feed, Item(uri=item["uri"]), "cancel" if status == "canceled" else "hold"))
                notes[name] = status
                continue
            # With its new text in the same step, so that the old one is not published for a moment.
            again = held.get(name) == "withheld"
            entries.append((self._feed, item, "release" if again else "upsert"))
            if again:
                notes[name] = "usable"
        await self._outbox.put_all(entries, notes=notes)

    def _name(self, uri: str) -> str:
        return f"folder {self._feed} {uri}"

    def _move(self, file: Path, to: str) -> Path:
        target = self._path / to / file.name
        number = 1
        while target.exists():
            number += 1
            target = self._path / to / f"{file.stem}.{number}{file.suffix}"
        return file.rename(target)


def _read(file: Path) -> list[_Taken]:
    """The items in one file."""
    if (size := file.stat().st_size) > MAX_BYTES:
        raise _Unusable(f"has {size:,} bytes: at most {MAX_BYTES:,} are allowed")
    body = file.read_bytes()
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return [read_newsml(body)]
    try:
        value = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise _Unusable(f"is neither XML nor JSON: {error}") from None
    values = value if isinstance(value, list) else [value]
    return [_item(each, f"{number} {hashlib.sha256(body).hexdigest()}") for number, each in enumerate(values)]


def _item(value: object, name: str) -> _Taken:
    if not isinstance(value, Mapping):
        raise _Unusable("is JSON, but neither an item nor a list of items")
    status = "usable"
    given: Mapping[str, Any] = value
    if not _NINJS.isdisjoint(value):
        status = str(value.get("pubStatus") or value.get("pubstatus") or "usable")
        given = {name: member for name, member in item_from_ninjs(value).items() if member}
    # The same file results in the same item, even if it contains no identifier.
    return cast("Item", {"uri": f"urn:uuid:{uuid5(NAMESPACE_URL, name)}", **given}), status
