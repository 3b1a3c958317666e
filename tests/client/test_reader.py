from __future__ import annotations

import asyncio

import pytest

from livefeed import FeedEvent, Livefeed
from livefeed.client.reader import FeedReader
from livefeed.exceptions import Forbidden, NotFound
from tests.scripted import STREAM, answer, hello, item_event, problem, scripted, silence, stream_event
from tests.waiting import until


async def take(reader: FeedReader, count: int) -> list[FeedEvent]:
    return [await anext(reader) for _ in range(count)]


def seqs(events: list[FeedEvent]) -> list[str]:
    return [(event.cursor or "").partition("-")[2] for event in events]


async def test_events_are_handed_over_with_what_they_say() -> None:
    async with scripted(STREAM + hello() + item_event(1, "One.")) as server, Livefeed(server.url, "key") as lf:
        reader = lf.events("world", tags=["a", "b"], urgency=3)
        event = await anext(reader)
        await reader.aclose()

    assert event.name == "published"
    assert event.type == "live.item.published"
    assert event.feed == "world"
    assert event.subject == "urn:item:1"
    assert event.item is not None
    assert event.item["headline"] == "One."
    assert event.items == []
    assert reader.cursor == event.cursor == "1795435200000-1"
    (request,) = server.requests
    assert request.path == "/v1/feeds/world/events"
    assert request.query == [("tag", "a"), ("tag", "b"), ("urgency", "3")]
    assert request.headers["authorization"] == "Bearer key"
    assert request.headers["accept"] == "text/event-stream"
    assert "last-event-id" not in request.headers


async def test_a_lost_connection_is_continued_behind_the_last_event() -> None:
    replies = (STREAM + hello() + item_event(1) + item_event(2), STREAM + hello() + item_event(3))
    lost: list[str] = []
    async with (
        scripted(*replies) as server,
        Livefeed(server.url) as lf,
        lf.events("world", last=5, on_lost=lambda reason, _: lost.append(reason)) as reader,
    ):
        assert seqs(await take(reader, 3)) == ["1", "2", "3"]

    first, second = server.requests
    assert first.query == second.query == [("last", "5")]
    assert second.headers["last-event-id"] == "1795435200000-2"
    assert lost == ["the server ended the stream"]


async def test_half_an_event_is_not_handed_over() -> None:
    """The stream broke off in the middle: the server sends that event again."""
    replies = (STREAM + hello() + item_event(1) + item_event(2)[:-1], STREAM + hello() + item_event(2))
    async with scripted(*replies) as server, Livefeed(server.url) as lf, lf.events("world") as reader:
        assert seqs(await take(reader, 2)) == ["1", "2"]
    assert server.requests[1].headers["last-event-id"] == "1795435200000-1"


async def test_a_position_is_kept_over_heartbeats_and_hellos() -> None:
    beat = stream_event("heartbeat", {"serverTime": "x"}, cursor="1795435200000-7")
    replies = (STREAM + hello() + beat, STREAM + hello() + item_event(8))
    async with scripted(*replies) as server, Livefeed(server.url) as lf, lf.events("world", since="15m") as reader:
        assert seqs(await take(reader, 1)) == ["8"]
    assert server.requests[0].query == [("since", "15m")]
    assert server.requests[1].query == []
    assert server.requests[1].headers["last-event-id"] == "1795435200000-7"


async def test_without_a_position_the_same_is_asked_again() -> None:
    async with (
        scripted(b"", STREAM + hello() + stream_event("snapshot", {"items": [{"id": "a"}]}, "5-5")) as server,
        Livefeed(server.url) as lf,
        lf.events("world", last=3) as reader,
    ):
        event = await anext(reader)
    assert event.name == "snapshot"
    assert event.item is None
    assert event.items == [{"id": "a"}]
    assert [request.query for request in server.requests] == [[("last", "3")]] * 2


async def test_a_gap_is_told() -> None:
    data = {"reason": "trimmed", "missed": {"first": 3, "last": 9}, "items": [{"id": "b"}], "complete": True, "next": None}
    async with (
        scripted(STREAM + hello(resumed=False) + stream_event("reset", data, "9-9")) as server,
        Livefeed(server.url) as lf,
        lf.events("world", after="1-2") as reader,
    ):
        event = await anext(reader)
    assert event.name == "reset"
    assert event.data["reason"] == "trimmed"
    assert event.data["missed"] == {"first": 3, "last": 9}
    assert event.items == [{"id": "b"}]
    assert reader.cursor == "9-9"
    assert server.requests[0].headers["last-event-id"] == "1-2"


async def test_stale_and_fresh_are_told() -> None:
    body = hello() + stream_event("stale", {"since": "x"}) + stream_event("fresh", {"since": "x"})
    async with scripted(STREAM + body) as server, Livefeed(server.url) as lf, lf.events("world") as reader:
        assert [event.name for event in await take(reader, 2)] == ["stale", "fresh"]


async def silence_for_good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(STREAM + hello())
    await reader.read()


async def test_silence_is_taken_for_a_dead_connection() -> None:
    lost: list[str] = []
    async with (
        scripted(silence, STREAM + hello() + item_event(1)) as server,
        Livefeed(server.url) as lf,
        lf.events("world", on_lost=lambda reason, _: lost.append(reason)) as reader,
    ):
        assert seqs(await take(reader, 1)) == ["1"]
    assert lost == ["nothing was heard for 0.1 s"]


async def test_a_goodbye_says_when_to_come_back() -> None:
    waits: list[float] = []
    bye = stream_event("goodbye", {"reason": "draining", "retryMs": 700})
    lost: list[str] = []

    def on_lost(reason: str, wait: float) -> None:
        lost.append(reason)
        waits.append(wait)

    async with (
        scripted(STREAM + hello() + bye, STREAM + hello() + item_event(1)) as server,
        Livefeed(server.url) as lf,
        lf.events("world", on_lost=on_lost) as reader,
    ):
        await take(reader, 1)
    assert lost == ["draining"]
    assert waits == [0.7]


@pytest.mark.parametrize(
    "fault",
    [
        problem(503, "no Redis", "Retry-After: 0"),
        problem(502, "bad gateway", "Retry-After: 0"),
        problem(429, "slow down", "Retry-After: 0"),
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>",
        answer(200, {"not": "a stream"}),
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100\r\n\r\n" + hello(),
        STREAM + b"data: no json\n\n",
        STREAM + b'data: ["no event"]\n\n',
        STREAM + b"data: " + b"x" * (5 * 1024 * 1024),
        STREAM + stream_event("unavailable", {"reason": "store", "retryMs": 1}),
        b"no HTTP at all\r\n\r\n",
    ],
)
async def test_faults_of_the_server_and_the_way_are_waited_out(fault: bytes) -> None:
    async with (
        scripted(fault, STREAM + hello() + item_event(1)) as server,
        Livefeed(server.url) as lf,
        lf.events("world", after="1-1") as reader,
    ):
        assert seqs(await take(reader, 1)) == ["1"]
    assert [request.headers["last-event-id"] for request in server.requests] == ["1-1", "1-1"]


async def test_asking_can_be_given_up_and_taken_up_again() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM + hello() + item_event(1))
        await reader.read()

    async with (
        scripted(slow, STREAM + hello() + item_event(2)) as server,
        Livefeed(server.url) as lf,
        lf.events("world") as reader,
    ):
        assert seqs(await take(reader, 1)) == ["1"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(reader), 0.05)
        assert seqs(await take(reader, 1)) == ["2"]
    assert server.requests[1].headers["last-event-id"] == "1795435200000-1"
    with pytest.raises(StopAsyncIteration):
        await anext(reader)


async def test_a_loop_that_is_left_leaves_nothing_open() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM + hello() + item_event(1) + item_event(2))
        await reader.read()

    async with scripted(slow) as server, Livefeed(server.url) as lf:
        async for event in lf.events("world"):
            assert event.item is not None
            break


async def test_closing_ends_the_wait_of_another_task() -> None:
    async with scripted(silence_for_good) as server, Livefeed(server.url) as lf:
        reader = lf.events("world", on_lost=lambda *_: None)
        waiting = asyncio.create_task(anext(reader, None))
        await until(lambda: bool(server.requests))
        await reader.aclose()
        assert await waiting is None


async def test_what_no_repeat_can_mend_is_raised() -> None:
    replies = (problem(404, "there is no feed 'nope'"), problem(403, "not yours"))
    async with scripted(*replies) as server, Livefeed(server.url) as lf:
        with pytest.raises(NotFound, match="there is no feed 'nope'"):
            await anext(lf.events("nope"))
        with pytest.raises(Forbidden):
            await anext(lf.events("world"))
    assert len(server.requests) == 2


async def test_a_server_that_is_not_there_is_asked_until_it_is() -> None:
    reasons: list[str] = []

    class Enough(Exception):
        pass

    def on_lost(reason: str, wait: float) -> None:
        reasons.append(reason)
        if len(reasons) == 2:
            raise Enough

    async with scripted() as server:
        url = server.url
    async with Livefeed(url) as lf:
        with pytest.raises(Enough):
            await anext(lf.events("world", on_lost=on_lost))
    assert reasons[0]
