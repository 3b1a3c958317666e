"""The event stream's bytes, and a parser that reads them as WHATWG says."""

from __future__ import annotations

import json
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.cursors import Cursor
from livefeed.events import Event, EventType
from livefeed.eventstream import SSE, EventStreamParser, EventTooLarge, ServerSentEvent, sse_block


def an_event(data: bytes = b'{"id":"a"}') -> Event:
    return Event(
        cursor=Cursor(1795435200123, 42), feed="world", type=EventType.PUBLISHED, data=data, item_id="a", subject="urn:a"
    )


def parse(stream: bytes) -> list[ServerSentEvent]:
    return EventStreamParser().feed(stream)


def test_an_event_is_a_default_event_with_its_cursor_as_id() -> None:
    assert SSE.event(an_event()) == (
        b"id: 1795435200123-42\n"
        b'data: {"specversion":"1.0","id":"1795435200123-42","source":"/v1/feeds/world","type":"live.item.published",'
        b'"time":"2026-11-23T12:00:00.123Z","subject":"urn:a","data":{"id":"a"}}\n\n'
    )


def test_an_event_is_encoded_once() -> None:
    event = an_event()
    assert SSE.event(event) is SSE.event(event)


def test_a_control_event_is_named_and_has_an_id_only_with_a_cursor() -> None:
    (bare,) = parse(SSE.control("world", "hello", {"resumed": None}, now=1795435200123))
    (moving,) = parse(SSE.control("world", "heartbeat", {"head": "7-1"}, Cursor(7, 1), now=1795435200123))

    assert (bare.type, bare.last_event_id) == ("hello", "")
    assert (moving.type, moving.last_event_id) == ("heartbeat", "7-1")
    told = json.loads(moving.data)
    assert (told["type"], told["source"], told["cursor"]) == ("live.stream.heartbeat", "/v1/feeds/world", "7-1")
    assert "cursor" not in json.loads(bare.data)
    assert told["time"] == "2026-11-23T12:00:00.123Z"
    assert told["id"] != "7-1"


def test_control_events_have_ids_of_their_own() -> None:
    first, second = (json.loads(parse(SSE.control("world", "heartbeat", {}, now=1795435200123))[0].data)["id"] for _ in range(2))
    assert first != second


def test_control_data_may_be_ready_bytes() -> None:
    (event,) = parse(SSE.control("world", "snapshot", b'{"items":[]}', now=1795435200123))
    assert json.loads(event.data)["data"] == {"items": []}


def test_retry_ms_becomes_the_streams_own_retry() -> None:
    parser = EventStreamParser()
    (event,) = parser.feed(SSE.control("world", "goodbye", {"reason": "restart", "retryMs": 1234}, now=1795435200123))
    assert parser.retry_ms == 1234
    assert json.loads(event.data)["data"]["retryMs"] == 1234


def test_line_breaks_between_tokens_stay_in_one_event() -> None:
    (event,) = parse(SSE.event(an_event(b'{\r\n"id":\n"a"\r}')))
    assert json.loads(event.data)["data"] == {"id": "a"}


@given(st.text())
def test_no_text_breaks_out_of_its_event(text: str) -> None:
    (event,) = parse(SSE.event(an_event(orjson.dumps({"headline": text + "\ndata: x\n\nid: 9\r\u2028\x85\x0b\0"}))))
    assert json.loads(event.data)["data"]["headline"].startswith(text)
    assert event.last_event_id == "1795435200123-42"


# The parser, by the examples and the rules of WHATWG HTML 9.2.


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_ending_ends_a_line(end: bytes) -> None:
    assert parse(b"data: a" + end + b"data: b" + end + end) == [ServerSentEvent("a\nb")]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data\n\ndata\ndata\n\ndata:\n", ["", "\n"]),
        (b"data:test\n\ndata: test\n\n", ["test", "test"]),
        (b"data:  two spaces\n\n", [" two spaces"]),
        (b": comment\n\ndata: a\n: between\ndata: b\n\n", ["a\nb"]),
        (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\ndata: c\n\n", ["a", "c"]),
        (b"DATA: x\n\ndat: y\n\n data: z\n\n", []),
        (b"data: \xff\n\n", ["\ufffd"]),
        ("data: a\u2028b\x85c\x0bd\x0ce\n\n".encode(), ["a\u2028b\x85c\x0bd\x0ce"]),
        (b"data: unfinished\n", []),
        (b"event: only a name\n\n", []),
    ],
)
def test_data(stream: bytes, expected: list[str]) -> None:
    assert [event.data for event in parse(stream)] == expected


def test_the_type_counts_for_one_event() -> None:
    assert [event.type for event in parse(b"event: hello\ndata: 1\n\ndata: 2\n\nevent:\ndata: 3\n\n")] == [
        "hello",
        "message",
        "message",
    ]


def test_the_id_stays_until_the_next_one() -> None:
    events = parse(b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n")
    assert [event.last_event_id for event in events] == ["1", "1", ""]


def test_an_id_with_nul_is_ignored() -> None:
    assert parse(b"id: 1\ndata: a\n\nid: 2\x003\ndata: b\n\n")[1].last_event_id == "1"


def test_an_id_alone_moves_the_position_without_an_event() -> None:
    parser = EventStreamParser()
    assert parser.feed(b"id: 5\n\nid: 6\n") == []
    assert parser.last_event_id == "5"


@pytest.mark.parametrize("value", [b"", b"1s", b"-1", b"1.5", "１２".encode(), b"9" * 5000])
def test_a_retry_that_is_no_number_is_ignored(value: bytes) -> None:
    parser = EventStreamParser()
    parser.feed(b"retry: 7\n\nretry: " + value + b"\n\n")
    assert parser.retry_ms == 7


def test_a_cr_and_its_lf_may_come_in_two_chunks() -> None:
    parser = EventStreamParser()
    events = [event for chunk in (b"data: a\r", b"\ndata: b\r", b"", b"\n\r", b"\n") for event in parser.feed(chunk)]
    assert events == [ServerSentEvent("a\nb")]


_PIECES = st.lists(
    st.sampled_from(
        [b"data: x", b"id: 1", b"event: e", b"retry: 9", b":", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\n", b"\xe2\x82\xac"]
    ),
    max_size=30,
)


@given(_PIECES, st.lists(st.integers(0, 120)))
def test_chunks_may_be_cut_anywhere(pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces)
    whole = EventStreamParser()
    expected = whole.feed(stream)
    parser = EventStreamParser()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    events = [event for a, b in pairwise(edges) for event in parser.feed(stream[a:b])]
    assert events == expected
    assert (parser.last_event_id, parser.retry_ms) == (whole.last_event_id, whole.retry_ms)


@pytest.mark.parametrize("chunk", [b"data: xxxxxxxx\n", b"xxxxxxxxxx"])
def test_an_endless_event_is_refused(chunk: bytes) -> None:
    parser = EventStreamParser(max_size=1000)
    for _ in range(50):
        parser.feed(chunk)
    with pytest.raises(EventTooLarge, match="1000 bytes"):
        parser.feed(chunk * 100)


def test_comments_for_ever_are_no_endless_event() -> None:
    parser = EventStreamParser(max_size=100)
    for _ in range(200):
        assert parser.feed(b": still here\n") == []


def test_a_block_may_carry_everything() -> None:
    assert sse_block(b"{}", cursor=Cursor(1, 2), event="e", retry_ms=3) == b"event: e\nid: 1-2\nretry: 3\ndata: {}\n\n"
