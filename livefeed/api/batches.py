"""Batches: many items in one request, with one line of the response for each, in the same order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from livefeed.api.publishing import done_json
from livefeed.exceptions import RequestError, TooLarge, Unavailable
from livefeed.jsondoor import load_json
from livefeed.log.editor import Done

__all__ = ["MAX_BATCH", "NDJSON", "from_array", "from_lines", "publish_all"]

NDJSON = "application/x-ndjson"
MAX_BATCH = 4 * 1024 * 1024
MAX_ITEMS = 1_000
TOGETHER = 100
"""Entries that are validated in one turn of the event loop, which delays readers."""


def from_lines(body: bytes) -> list[bytes]:
    """One item per line; empty lines are skipped."""
    return _counted([line for line in body.split(b"\n") if line.strip()])


def from_array(body: bytes) -> list[bytes]:
    """The items of a JSON array, each encoded by itself, so that an invalid one is rejected alone."""
    return [orjson.dumps(entry) for entry in _counted(load_json(body, limit=MAX_BATCH, what="the batch"))]


def _counted(entries: list[Any]) -> list[Any]:
    if len(entries) > MAX_ITEMS:
        raise TooLarge(f"the batch has {len(entries):,} items: {MAX_ITEMS:,} are allowed")
    return entries


async def publish_all(
    entries: list[bytes], publish: Callable[[bytes], Awaitable[Done]], *, together: bool, creates: bool = False
) -> bytes:
    """One line of JSON for each entry. Once Redis has failed, the rest is not tried, since each attempt could time out.

    *together*: the entries are independent of each other and are sent to Redis concurrently, in their order. *creates*: the first
    may have to create the feed, and goes alone; otherwise it would be one more write to each reader.
    """
    size = TOGETHER if together else 1
    alone = int(creates)
    chunks = [entries[:alone], *(entries[start : start + size] for start in range(alone, len(entries), size))]
    lines: list[bytes] = []
    failed: Unavailable | None = None
    for chunk in chunks:
        if failed is not None:
            lines += [_problem(failed)] * len(chunk)
            continue
        for done in await asyncio.gather(*map(publish, chunk), return_exceptions=True):
            if isinstance(done, Unavailable):
                failed = done
            lines.append(_line(done))
    return b"".join(line + b"\n" for line in lines)


def _line(done: Done | BaseException) -> bytes:
    if isinstance(done, RequestError):
        return _problem(done)
    if isinstance(done, BaseException):
        raise done
    return b'{"status":%d,' % (201 if done.created else 200) + done_json(done)[1:]


def _problem(error: RequestError) -> bytes:
    return orjson.dumps({"status": error.status, "problem": error.problem()})
