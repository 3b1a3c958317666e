"""Every verb of the client against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from livefeed import Livefeed, Outbox
from livefeed.exceptions import Conflict, Forbidden, Invalid, NotFound, StaleVersion, TooLarge, Unauthorized
from tests.live import KEY, LiveServer

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def lf(server: LiveServer) -> AsyncIterator[Livefeed]:
    async with Livefeed(server.url, KEY) as lf:
        yield lf


async def test_publishing_and_changing(lf: Livefeed) -> None:
    first = await lf.publish("world", {"headline": "One.", "uri": "urn:x:1"})
    assert first.created
    again = await lf.publish("world", {"headline": "One.", "uri": "urn:x:1"})
    assert (again.created, again.event, again.item) == (False, first.event, first.item)
    with pytest.raises(Conflict):
        await lf.publish("world", {"headline": "Other.", "uri": "urn:x:1"})
    second = await lf.update("world", {"headline": "Other.", "uri": "urn:x:1"})
    assert second.item["version"] == 2
    item_id = first.item["id"]
    third = await lf.patch("world", item_id, {"urgency": 1, "tags": ["Port"]}, version=2)
    assert third.item["version"] == 3
    with pytest.raises(StaleVersion):
        await lf.patch("world", item_id, {"urgency": 2}, version=2)
    assert await lf.get("world", item_id) == third.item
    assert [feed["name"] for feed in await lf.feeds()] == ["world"]


async def test_the_same_key_is_the_same_call(lf: Livefeed) -> None:
    first, second = [await lf.publish("world", {"headline": "One."}, key="call-1") for _ in range(2)]
    assert first.event == second.event
    assert first.item["uri"] == second.item["uri"]


async def test_holding_releasing_and_killing(lf: Livefeed) -> None:
    item = (await lf.publish("world", {"headline": "Wrong.", "uri": "urn:x:1"})).item
    held = await lf.hold("world", item["id"], reason="We check.")
    assert (held.item["pubStatus"], held.item["reason"]) == ("withheld", "We check.")
    assert (await lf.hold("world", item["id"])).event == held.event
    assert (await lf.list("world", uri="urn:x:1")).items == []
    assert (await lf.list("world", uri="urn:x:1", desk=True)).items[0]["id"] == item["id"]
    released = await lf.release("world", item["id"], changes={"headline": "Right."})
    assert released.item["headline"] == "Right."
    assert (await lf.cancel("world", item["id"])).item["pubStatus"] == "canceled"
    with pytest.raises(Conflict):
        await lf.release("world", item["id"])


async def test_drafts(lf: Livefeed, server: LiveServer) -> None:
    draft = await lf.publish("world", {"headline": "Soon.", "draft": True})
    assert draft.event is None
    async with Livefeed(server.url) as reader:
        with pytest.raises(NotFound):
            await reader.get("world", draft.item["id"])
    out = await lf.publish_draft("world", draft.item["id"])
    assert out.event is not None
    async with Livefeed(server.url) as reader:
        assert (await reader.get("world", draft.item["id"]))["headline"] == "Soon."


async def test_walking_through_all_items(lf: Livefeed) -> None:
    for number in range(120):
        # Two that were published within a millisecond would be in no particular order.
        created = f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z"
        tags = ["even"] if number % 2 == 0 else []
        await lf.publish("world", {"headline": f"{number}", "contentCreated": created, "tags": tags})
    assert [item["headline"] async for item in lf.items("world")] == [str(number) for number in reversed(range(120))]
    assert len([item async for item in lf.items("world", tags=["EVEN"])]) == 60
    assert [item["headline"] for item in (await lf.list("world", limit=2)).items] == ["119", "118"]
    assert [item["headline"] async for item in lf.items("world", q="77")] == ["77"]


async def test_refusals(lf: Livefeed, server: LiveServer) -> None:
    with pytest.raises(Invalid) as invalid:
        await lf.publish("world", {"headline": "One.", "urgency": 10, "link": "x"})
    assert {error.pointer for error in invalid.value.errors} == {"/urgency", "/link"}
    with pytest.raises(TooLarge):
        await lf.publish("world", {"headline": "One.", "bodyText": "x" * 70_000})
    with pytest.raises(NotFound):
        await lf.get("world", "no-such-item")
    async with Livefeed(server.url) as reader:
        with pytest.raises((Unauthorized, Forbidden)):
            await reader.publish("world", {"headline": "One."})
    async with Livefeed(server.url, "not-a-key") as stranger:
        with pytest.raises(Unauthorized):
            await stranger.publish("world", {"headline": "One."})


async def test_snapshots_filters_and_the_join_with_a_list(lf: Livefeed) -> None:
    await lf.publish("world", {"headline": "One.", "tags": ["Port"], "urgency": 2})
    await lf.publish("world", {"headline": "Two."})
    page = await lf.list("world")
    async with (
        lf.events("world", last=5, tags=["port"]) as tagged,
        lf.events("world", after=page.cursor, urgency=3) as urgent,
        lf.events("world", since="1h") as recent,
    ):
        snapshot = await anext(tagged)
        assert [item["headline"] for item in snapshot.items] == ["One."]
        await lf.publish("world", {"headline": "Three.", "tags": ["PORT"]})
        await lf.publish("world", {"headline": "Four.", "urgency": 1})
        for events, expected in ((tagged, ["Three."]), (urgent, ["Four."]), (recent, ["One.", "Two.", "Three.", "Four."])):
            assert [((await anext(events)).item or {}).get("headline") for _ in expected] == expected


async def test_what_was_missed_for_good_is_told(lf: Livefeed, server: LiveServer) -> None:
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, trust_env=False) as http:
        answer = await http.put(f"{server.url}/v1/feeds/world", json={"retention": {"events": 5}})
        assert answer.is_success, answer.text
    first = await lf.publish("world", {"headline": "0"})
    for number in range(1, 20):
        await lf.publish("world", {"headline": str(number)})
    async with lf.events("world", after=first.event, last=3) as events:
        reset = await anext(events)
        assert reset.name == "reset"
        assert reset.data["reason"] == "trimmed"
        assert reset.data["missed"]["first"] == 2
        assert [item["headline"] for item in reset.items] == ["19", "18", "17"]
        await lf.publish("world", {"headline": "20"})
        event = await anext(events)
        assert event.item is not None
        assert event.item["headline"] == "20"


async def test_the_outbox_does_all_ops(lf: Livefeed, tmp_path: Path) -> None:
    async with Outbox(tmp_path / "outbox") as outbox, asyncio.TaskGroup() as group:
        sending = group.create_task(outbox.run(lf))
        uri = await outbox.put("world", {"headline": "One."})
        await outbox.put("world", {"uri": uri, "headline": "Two."}, op="upsert")
        await outbox.put("world", {"uri": uri, "reason": "We check."}, op="hold")
        await outbox.put("world", {"uri": uri, "headline": "Three."}, op="release")
        await outbox.put("world", {"uri": uri, "urgency": 99}, op="upsert")
        await outbox.put("world", {"uri": uri}, op="cancel")
        await outbox.join()
        sending.cancel()
        (rejected,) = await outbox.rejected()
    assert rejected.reason.startswith("urgency")
    history = (await lf.list("world", uri=uri, desk=True)).items
    assert (history[0]["version"], history[0]["pubStatus"]) == (5, "canceled")
