from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from livefeed import Outbox
from livefeed.items import parse_item
from producers.folder import Folder
from tests.producers.outboxes import waiting
from tests.producers.test_newsml import newsml
from tests.waiting import until

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

NINJS = {
    "uri": "https://post.example/n/1",
    "pubStatus": "usable",
    "versionCreated": "2026-11-23T12:00:00Z",
    "headlines": [{"role": "main", "value": "From an agency."}],
}


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    path = tmp_path / "drop"
    path.mkdir()
    return path


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    async with Outbox(tmp_path / "folder.sqlite") as outbox:
        yield outbox


@pytest.fixture
def folder(drop: Path, outbox: Outbox) -> Folder:
    return Folder(drop, "world", outbox, settle=0.05)


def write(path: Path, value: Any) -> None:
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_each_form_is_taken(folder: Folder, drop: Path, outbox: Outbox) -> None:
    write(drop / "a.json", {"headline": "Ours."})
    await folder.once()
    write(drop / "b.json", [NINJS, {"uri": "urn:x:2", "bodyText": "Ours too."}])
    write(drop / "c.xml", newsml())
    assert await folder.once()
    ours, agency, too, g2 = waiting(outbox)
    assert {each.op for each in waiting(outbox)} == {"upsert"}
    assert ours.item["headline"] == "Ours."
    assert ours.item["uri"].startswith("urn:uuid:")
    assert agency.item["headline"] == "From an agency."
    assert agency.item["uri"] == NINJS["uri"]
    assert too.item == {"uri": "urn:x:2", "bodyText": "Ours too."}
    assert g2.item["headline"] == "The Aurora is back"
    assert names(drop) == ["done", "failed"]
    assert names(drop / "done") == ["a.json", "b.json", "c.xml"]


async def test_an_agency_can_hold_release_and_kill(folder: Folder, drop: Path, outbox: Outbox) -> None:
    for status in ("usable", "withheld", "usable", "usable", "canceled"):
        write(drop / "n.json", {**NINJS, "pubStatus": status})
        await folder.once()
    assert [each.op for each in waiting(outbox)] == ["upsert", "hold", "release", "upsert", "cancel"]
    assert waiting(outbox)[1].item == {"uri": NINJS["uri"]}
    assert waiting(outbox)[2].item["headline"] == "From an agency."
    assert len(names(drop / "done")) == 5


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "neither XML nor JSON"),
        (b"Dear editor", "neither XML nor JSON"),
        (b'"text"', "neither an item nor a list of items"),
        (b"<rss/>", "is not NewsML-G2"),
        (b" " * (5 * 1024 * 1024 + 1), "at most 5,242,880 are allowed"),
        (b'{"headlines": "no list", "uri": "urn:x:1"}', "headlines"),
    ],
)
async def test_what_cannot_be_used_is_put_aside_with_the_reason(
    folder: Folder, drop: Path, outbox: Outbox, body: bytes, said: str
) -> None:
    write(drop / "bad.json", body)
    write(drop / "good.json", {"headline": "Good."})
    assert not await folder.once()
    assert names(drop / "failed") == ["bad.json", "bad.reason.txt"]
    assert said in (drop / "failed" / "bad.reason.txt").read_text()
    assert await outbox.pending() == 1


async def test_what_is_not_finished_is_left(folder: Folder, drop: Path, outbox: Outbox) -> None:
    for name in (".hidden.json", "a.json.tmp", "b.json.part", "c.json~"):
        write(drop / name, {"headline": "Not yet."})
    (drop / "sub").mkdir()
    (drop / "link.json").symlink_to("/etc/hosts")
    assert await folder.once()
    assert await outbox.pending() == 0
    assert names(drop) == [".hidden.json", "a.json.tmp", "b.json.part", "c.json~", "done", "failed", "link.json", "sub"]


async def test_a_file_that_grows_is_not_taken_before_it_is_whole(folder: Folder, drop: Path, outbox: Outbox) -> None:
    path = drop / "slow.json"
    body = json.dumps({"headline": "Whole."}).encode()
    write(path, body[:5])
    taking = asyncio.create_task(folder.once())
    for end in range(6, len(body) + 1):
        # Both wait on one loop: however late it is, this is due before the folder's next look and so wakes before it.
        await asyncio.sleep(0.005)
        write(path, body[:end])
    assert await taking
    assert [each.item["headline"] for each in waiting(outbox)] == ["Whole."]


async def test_the_same_file_twice_is_the_same_item(folder: Folder, drop: Path, outbox: Outbox) -> None:
    for _ in range(2):
        write(drop / "a.json", {"headline": "Ours."})
        await folder.once()
    first, second = waiting(outbox)
    assert first.item == second.item
    assert names(drop / "done") == ["a.2.json", "a.json"]


async def test_what_comes_while_it_watches_is_taken(folder: Folder, drop: Path, outbox: Outbox) -> None:
    watching = asyncio.create_task(folder.watch())
    await until((drop / "failed").is_dir)
    write(drop / "a.json", {"headline": "Ours."})
    await until((drop / "done" / "a.json").exists)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert await outbox.pending() == 1


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real documents are not at hand")
async def test_real_documents(folder: Folder, drop: Path, outbox: Outbox) -> None:
    for name in ("ninjs31_complex_text.json", "newsmlg2_listing2_text.xml"):
        write(drop / name, (SHARED / name).read_bytes())
    assert await folder.once()
    for each in waiting(outbox):
        parse_item(orjson.dumps(each.item), now=int(time.time() * 1000))
    assert await outbox.pending() == 2
