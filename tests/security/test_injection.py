"""What is inside an item stays inside it: on the event stream and in WebSocket frames nothing is added, lost or changed."""

from __future__ import annotations

import os
import random
import socket
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from livefeed.cursors import BIRTH, Cursor
from livefeed.events import Event, EventType
from livefeed.eventstream import SSE
from livefeed.exceptions import Invalid
from livefeed.feeds import FeedSettings
from livefeed.frames import FRAMES
from livefeed.holes import Page
from livefeed.items import parse_item
from livefeed.log.catalog import Catalog
from livefeed.log.connect import inspect
from livefeed.log.editor import Editor
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from tests.security.hostile import hostile_item, hostile_text
from tests.security.whatwg import Dispatched, interpret
from tests.served import Server

ROUNDS = int(os.environ.get("FUZZ_ITEMS", "1000"))
NOW = 4_000_000_000_000


def messages(frames: bytes) -> list[str]:
    """The text messages that a stock client hears."""
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"), state=State.OPEN)
    client.receive_data(frames)
    events = client.events_received()
    assert all(isinstance(event, Frame) and event.opcode is Opcode.TEXT and event.fin for event in events)
    return [bytes(event.data).decode() for event in events if isinstance(event, Frame)]


@pytest.fixture
async def editor(redis: Redis, redis_url: str) -> Editor:
    catalog = Catalog(redis)
    await catalog.put("world", FeedSettings())
    return Editor(EventLog(redis, await inspect(redis, redis_url)), ItemStore(redis), catalog)


async def events(log: EventLog) -> list[Event]:
    found: list[Event] = []
    after = BIRTH
    while isinstance(page := await log.read("world", after), Page) and page.events:
        found += page.events
        after = page.events[-1].cursor
    return found


@pytest.mark.timeout(300)
async def test_hostile_items_arrive_as_they_were_stored(editor: Editor) -> None:
    chance = random.Random(6)
    sent: dict[str, Any] = {}
    refused = 0
    for _ in range(ROUNDS):
        try:
            given = parse_item(orjson.dumps(hostile_item(chance)), now=NOW)
        except Invalid:
            refused += 1
            continue
        done = await editor.publish("world", given)
        assert done.item is not None
        sent[done.item.id] = given
    assert len(sent) > ROUNDS // 4, refused
    log = await events(editor.log)
    stream = b"".join(SSE.event(event) for event in log)
    expected = [Dispatched("message", event.json.decode(), str(event.cursor)) for event in log]
    assert interpret(stream) == expected
    assert messages(b"".join(FRAMES.event(event) for event in log)) == [event.json.decode() for event in log]
    for event in log:
        item = orjson.loads(event.json)["data"]
        assert item.get("headline") == sent[item["id"]].headline
        assert "edNote" not in item


def read_stream(server: Server, feed: str, count: int) -> tuple[bytes, list[Dispatched]]:
    """The live stream from the feed's birth on, until *count* item events have come."""
    with socket.create_connection(server.address, timeout=60) as connection:
        head = f"GET /v1/feeds/{feed}/events?after=0-0 HTTP/1.0\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
        connection.sendall(head.encode())
        heard = b""
        while heard.count(b'"type":"live.item.') < count or not heard.endswith(b"\n\n"):
            chunk = connection.recv(1 << 20)
            assert chunk
            heard += chunk
    body = heard.partition(b"\r\n\r\n")[2]
    return body, interpret(body)


@pytest.mark.timeout(300)
def test_the_whole_server_sends_the_same_bytes_on_both_wires(server: Server) -> None:
    """Published over HTTP, read by a parser of the test's own and by a stock WebSocket client."""
    chance = random.Random(8)
    published: dict[str, Any] = {}
    with server.client() as admin:
        admin.put("/v1/feeds/hostile", json={"title": hostile_text(chance)})
        for _ in range(ROUNDS // 20):
            answer = admin.post("/v1/feeds/hostile/items", json=[hostile_item(chance) for _ in range(20)])
            for line in answer.content.splitlines():
                told = orjson.loads(line)
                assert told["status"] in {201, 422}, told
                if told["status"] == 201:
                    published[told["event"]] = told["item"]
    assert len(published) > 50
    _, heard = read_stream(server, "hostile", len(published))
    items = [event for event in heard if event.type == "message"]
    assert {event.type for event in heard} <= {"message", "hello", "heartbeat"}
    assert {event.last_event_id: orjson.loads(event.data)["data"] for event in items} == published
    with server.websocket("/v1/feeds/hostile/events?after=0-0", max_size=None) as opened:
        received = [str(opened.recv(30)) for _ in range(len(items) + 1)]
    assert [text for text in received if '"type":"live.item.' in text] == [event.data for event in items]


def test_hostile_words_of_the_stream_itself_stay_inside_too() -> None:
    chance = random.Random(7)
    for _ in range(ROUNDS):
        data = {"reason": hostile_text(chance), hostile_text(chance): hostile_text(chance)}
        block = SSE.control("world", "goodbye", data, Cursor(1, 1), now=NOW)
        (event,) = interpret(block)
        assert (event.type, event.last_event_id) == ("goodbye", "1-1")
        assert orjson.loads(event.data)["data"] == data
        (message,) = messages(FRAMES.control("world", "goodbye", data, Cursor(1, 1), now=NOW))
        assert orjson.loads(message)["data"] == data


@pytest.mark.parametrize("space", [b"\n", b"\r", b"\r\n", b"\n\n", b"\n\ndata: {}\n\n", b"\nid: 9-9\n", b" \t\r\n "])
def test_line_ends_between_the_tokens_of_stored_json_end_nothing(space: bytes) -> None:
    """Nobody but us writes the log, but if somebody does, JSON's own white space must not become a line of the stream."""
    data = b'{"id":' + space.replace(b"data: {}", b"").replace(b"id: 9-9", b"") + b'"a"}'
    event = Event(cursor=Cursor(1, 1), feed="world", type=EventType.PUBLISHED, data=data, item_id="a")
    (heard,) = interpret(SSE.event(event))
    assert heard.last_event_id == "1-1"
    assert orjson.loads(heard.data)["data"] == {"id": "a"}


def test_the_parser_of_this_test_finds_what_is_injected() -> None:
    """Otherwise it would prove nothing."""
    whole = b"id: 1\ndata: a\n\nevent: x\rdata: b\r\rdata: c\r\n\r\n:no\n"
    whole += b"data: d\ndata: e\n\nid: 2\x00\ndata\n\nretry: 1\n\ndata: lost"
    assert interpret(whole) == [
        Dispatched("message", "a", "1"),
        Dispatched("x", "b", "1"),
        Dispatched("message", "c", "1"),
        Dispatched("message", "d\ne", "1"),
        Dispatched("message", "", "1"),
    ]
