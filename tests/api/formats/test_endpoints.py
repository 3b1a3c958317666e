"""The endpoints over HTTP, on a real Redis."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import msgspec
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from livefeed.api.formats.endpoints import FORMATS, ITEMS, Format, Formats
from livefeed.api.problems import HANDLERS
from livefeed.events import EventType, rfc3339
from livefeed.feeds import FeedSettings
from livefeed.grants import Caller, Role
from livefeed.items import Item, encode, parse_time
from livefeed.log.catalog import Catalog
from livefeed.log.changes import Appended, Change, State
from livefeed.log.connect import inspect
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from livefeed.snapshots import Listing
from tests.api.formats.rules import ATOM, TOMBSTONE, check_atom, check_jsonfeed

ROOT = "/v1/feeds/world/"
LATER = parse_time("2030-01-01T00:00:00Z")


@dataclass
class Newsroom:
    """A feed, what is published to it, and a reader of its documents at a time that the test sets."""

    log: EventLog
    catalog: Catalog
    client: httpx2.AsyncClient
    formats: Formats
    now: int = LATER
    caller: Caller = Caller.ANONYMOUS
    items: dict[str, Item] = field(default_factory=dict)

    async def publish(self, name: str, **fields: Any) -> Item:
        at = rfc3339(1_700_000_000_000 + len(self.items))
        given = {"headline": f"Headline {name}", "content_created": at, **fields}
        self.items[name] = item = Item(
            id=name, uri=f"urn:test:{name}", version=1, pub_status="usable", first_created=at, version_created=at, **given
        )
        await self._append(item, EventType.PUBLISHED, encode(item), "usable", 0)
        return item

    async def remove(self, name: str, event: EventType) -> None:
        status: State = "canceled" if event is EventType.CANCELED else "withheld"
        item = msgspec.structs.replace(self.items[name], version=2, pub_status=status)
        erase = "cancel" if status == "canceled" else "hold"
        await self._append(item, event, encode(item.tombstone("A reason")), status, 1, erase)

    async def release(self, name: str) -> None:
        item = msgspec.structs.replace(self.items[name], version=3)
        await self._append(item, EventType.RELEASED, encode(item), "usable", 2)

    async def _append(self, item: Item, event: EventType, data: bytes, state: State, expects: int, erase: Any = "") -> None:
        outcome = await self.log.append(
            "world",
            Change(
                item_id=item.id,
                uri=item.uri,
                data=data,
                expects=expects,
                version=item.version,
                state=state,
                created=parse_time(item.content_created),
                type=event,
                expires=parse_time(item.expires) if item.expires else None,
                erase=erase,
            ),
        )
        assert isinstance(outcome, Appended)

    async def get(self, name: str = "feed.json", **headers: str) -> httpx2.Response:
        return await self.client.get(ROOT + name, headers={key.replace("_", "-"): value for key, value in headers.items()})


@pytest.fixture
async def newsroom(redis: Redis, redis_url: str) -> AsyncIterator[Newsroom]:
    catalog = Catalog(redis)
    await catalog.put("world", FeedSettings(title="World"))
    log = EventLog(redis, await inspect(redis, redis_url))
    room: Newsroom

    def now() -> int:
        return room.now

    formats = Formats(catalog, ItemStore(redis), log, now)
    app = Starlette(routes=formats.routes(), exception_handlers=dict(HANDLERS))

    async def signed(scope: Scope, receive: Receive, send: Send) -> None:
        scope["livefeed.caller"] = room.caller
        await app(scope, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(signed), base_url="https://feeds.example") as client:
        room = Newsroom(log, catalog, client, formats)
        yield room


def headlines(response: httpx2.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [item.get("title", "") for item in check_jsonfeed(response.content)["items"]]


@pytest.mark.parametrize("wanted", FORMATS, ids=lambda wanted: wanted.name)
async def test_every_format_is_answered(newsroom: Newsroom, wanted: Format) -> None:
    await newsroom.publish("a")
    response = await newsroom.get(wanted.name)
    head = await newsroom.client.head(ROOT + wanted.name)

    assert response.status_code == head.status_code == 200
    assert "Headline a" in response.text
    assert response.headers["content-type"] == wanted.media_type
    assert response.headers["cache-control"] == "public, no-cache"
    assert head.content == b""
    assert dict(head.headers) == dict(response.headers)


async def test_walk_sees_every_item_once(newsroom: Newsroom) -> None:
    for number in range(ITEMS * 2 + 1):
        await newsroom.publish(f"i{number}")
    seen: list[str] = []
    response = await newsroom.get()
    while True:
        feed = check_jsonfeed(response.content)
        seen += [item["id"] for item in feed["items"]]
        link = response.links.get("next", {}).get("url")
        assert (link is None) is ("next_url" not in feed)
        if link is None:
            break
        assert feed["next_url"] == f"https://feeds.example{link}"
        response = await newsroom.client.get(link)

    assert seen == [f"urn:test:i{number}" for number in reversed(range(ITEMS * 2 + 1))]


async def test_conditional_requests(newsroom: Newsroom) -> None:
    await newsroom.publish("a")
    first = await newsroom.get("feed.atom")
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    unchanged = [await newsroom.get("feed.atom", If_None_Match=etag), await newsroom.get("feed.atom", If_Modified_Since=modified)]

    for response in unchanged:
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == etag
        assert "content-type" not in response.headers

    await newsroom.publish("b")
    changed = await newsroom.get("feed.atom", If_None_Match=etag)
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag
    assert (await newsroom.get("feed.atom", If_None_Match=changed.headers["etag"])).status_code == 304


async def test_the_time_of_an_unfinished_second_means_nothing(newsroom: Newsroom) -> None:
    await newsroom.publish("a")
    head = await newsroom.log.head("world")
    assert head is not None
    newsroom.now = head.ms
    early = (await newsroom.get()).headers["last-modified"]

    assert (await newsroom.get(If_Modified_Since=early)).status_code == 200
    newsroom.now = head.ms + 1000
    after = await newsroom.get(If_Modified_Since=early)
    assert after.status_code == 200
    assert (await newsroom.get(If_Modified_Since=after.headers["last-modified"])).status_code == 304


@pytest.mark.parametrize("event", [EventType.WITHHELD, EventType.CANCELED])
async def test_removed_item_leaves_a_tombstone(newsroom: Newsroom, event: EventType) -> None:
    await newsroom.publish("a")
    await newsroom.publish("b")
    before = [await newsroom.get(wanted.name) for wanted in FORMATS]
    await newsroom.remove("a", event)
    after = [await newsroom.get(wanted.name) for wanted in FORMATS]
    feed = check_atom((await newsroom.get("feed.atom")).content)

    assert all("Headline a" in response.text for response in before)
    assert all("Headline a" not in response.text and "Headline b" in response.text for response in after)
    assert [deleted.get("ref") for deleted in feed.findall(f"{TOMBSTONE}deleted-entry")] == ["urn:test:a"]
    assert feed.findtext(f"{TOMBSTONE}deleted-entry/{TOMBSTONE}comment") == "A reason"


async def test_released_item_is_an_entry_again(newsroom: Newsroom) -> None:
    await newsroom.publish("a")
    await newsroom.remove("a", EventType.WITHHELD)
    await newsroom.release("a")
    feed = check_atom((await newsroom.get("feed.atom")).content)

    assert [entry.findtext(f"{ATOM}title") for entry in feed.findall(f"{ATOM}entry")] == ["Headline a"]
    assert feed.find(f"{TOMBSTONE}deleted-entry") is None


async def test_released_item_of_another_page_has_no_tombstone(newsroom: Newsroom) -> None:
    for number in range(ITEMS + 1):
        await newsroom.publish(f"i{number}")
    await newsroom.remove("i0", EventType.WITHHELD)
    await newsroom.release("i0")

    assert b"deleted-entry" not in (await newsroom.get("feed.atom")).content


async def test_item_killed_while_the_page_is_read_is_not_in_it(newsroom: Newsroom, redis: Redis) -> None:
    """The list was read, then the kill came: what the log tells wins."""
    await newsroom.publish("a")
    await newsroom.publish("b")

    class Overtaken(ItemStore):
        """Gives its list only when an item of it has been killed."""

        async def newest(self, *args: Any, **options: Any) -> Listing:
            listing = await super().newest(*args, **options)
            await newsroom.remove("b", EventType.CANCELED)
            return listing

    formats = Formats(newsroom.catalog, Overtaken(redis), newsroom.log, lambda: newsroom.now)
    app = Starlette(routes=formats.routes(), exception_handlers=dict(HANDLERS))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="https://feeds.example") as client:
        response = await client.get(ROOT + "feed.atom")

    assert "Headline a" in response.text
    assert "Headline b" not in response.text
    assert "urn:test:b" in response.text


async def test_expired_item_leaves_without_an_event(newsroom: Newsroom) -> None:
    await newsroom.publish("a", expires=rfc3339(LATER + 1000))
    await newsroom.publish("b")
    before = await newsroom.get()
    newsroom.now += 1000
    after = await newsroom.get(If_None_Match=before.headers["etag"], If_Modified_Since="Tue, 01 Jan 2030 00:00:00 GMT")
    by_time = await newsroom.get(If_Modified_Since=before.headers["last-modified"])

    assert headlines(before) == ["Headline b", "Headline a"]
    assert headlines(after) == headlines(by_time) == ["Headline b"]


async def test_new_title_is_shown_without_an_event(newsroom: Newsroom) -> None:
    await newsroom.publish("a")
    await newsroom.get()
    await newsroom.catalog.put("world", FeedSettings(title="The whole world"))

    assert json.loads((await newsroom.get()).content)["title"] == "The whole world"


async def test_private_feed_asks_who_reads(newsroom: Newsroom) -> None:
    await newsroom.publish("a")
    await newsroom.catalog.put("world", FeedSettings(public=False))
    anonymous = await newsroom.get()
    newsroom.caller = Caller(subject="other", grants={Role.READ: ("sport",)})
    other = await newsroom.get()
    newsroom.caller = Caller(subject="reader", grants={Role.READ: ("world",)})
    reader = await newsroom.get()

    assert (anonymous.status_code, other.status_code) == (401, 403)
    assert headlines(reader) == ["Headline a"]
    assert reader.headers["cache-control"] == "private, no-cache"
    assert "Authorization" in reader.headers["vary"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1/feeds/world/feed.atom?befor=x", 400, "before"),
        ("/v1/feeds/world/feed.atom?before=%0a", 400, "before="),
        ("/v1/feeds/world/feed.atom?before=", 400, "before="),
        ("/v1/feeds/world/feed.atom?before=zz", 400, "before="),
        ("/v1/feeds/nowhere/feed.atom", 404, "nowhere"),
        ("/v1/feeds/NOT%20A%20NAME/feed.atom", 400, "feed name"),
    ],
)
async def test_what_cannot_be_answered_is_a_problem(newsroom: Newsroom, path: str, status: int, words: str) -> None:
    response = await newsroom.client.get(path)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert words in response.json()["detail"]


async def test_feed_without_items_is_a_document(newsroom: Newsroom) -> None:
    assert headlines(await newsroom.get()) == []
    check_atom((await newsroom.get("feed.atom")).content)


async def test_addresses_are_those_of_the_host_that_was_asked(newsroom: Newsroom) -> None:
    """A document cached for one host must not send the readers of another one there."""
    await newsroom.publish("a")
    await newsroom.get(Host="evil.example")

    assert "evil.example" not in (await newsroom.get()).text


async def reads(redis: Redis) -> int:
    """How often Redis was asked for what a document is written from."""
    statistics: dict[str, Any] = await redis.info("commandstats")
    return int(statistics["cmdstat_xrevrange"]["calls"])


async def test_one_of_many_writes_the_document(newsroom: Newsroom, redis: Redis) -> None:
    await newsroom.publish("a")
    answers = await asyncio.gather(*(newsroom.get() for _ in range(20)))
    await newsroom.get()

    assert {answer.content for answer in answers} == {answers[0].content}
    assert await reads(redis) == 1


async def test_dropped_document_is_written_again(newsroom: Newsroom, redis: Redis) -> None:
    await newsroom.publish("a")
    await newsroom.get()
    newsroom.formats.drop("world")
    await newsroom.get()

    assert await reads(redis) == 2
