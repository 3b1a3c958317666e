from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import orjson
import pytest

from livefeed import Item, Outbox
from livefeed.client.journal import Journal
from livefeed.items import parse_item
from producers.addresses import AddressRules, parse_network
from producers.fetch import Fetcher
from producers.parsing import Parser
from producers.rss import Poller, poll_all
from producers.syndication import Unreadable
from tests.producers import documents
from tests.producers.outboxes import waiting
from tests.producers.site import Site, open_site
from tests.waiting import until

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
"""Real documents, where they are at hand; they belong to their outlets and are no part of the project."""

REAL = {
    "rss_tagesschau_de.xml": 40,
    "rss_npr_en.xml": 15,
    "jsonfeed_trafilatura.json": 25,
    "rss_lefigaro_dupguid_htmltitle.xml": 49,
    "rss_japantimes_nodate.xml": 118,
    "rss_uol_br_noencoding_noids.xml": 15,
    "rss_ru_windows1251.xml": 10,
    "rss_bbc_urdu_rtl.xml": 26,
    "rss_pypy_huge_entries.xml": 10,
}
"""How many entries feedparser finds in each, less repeated guids."""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site(Site()) as site:
        yield site


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with aclosing(Fetcher(AddressRules([parse_network("127.0.0.1")]))) as fetcher:
        yield fetcher


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    async with Outbox(tmp_path / "rss.sqlite") as outbox:
        yield outbox


async def test_entries_are_put_oldest_first_and_once(site: Site, fetcher: Fetcher, outbox: Outbox) -> None:
    site.pages["rss"] = documents.REPEATED
    poller = Poller(f"{site.url}/rss", "world", outbox, fetcher, Parser())
    assert await poller.poll() == 2
    assert await poller.poll() == 0
    (_, _, first), (op, feed, second) = waiting(outbox)
    assert (op, feed) == ("upsert", "world")
    assert first["headline"] == "AT&T <3 ships"
    assert second["headline"] == "The Aurora is back in port"
    assert first["contentCreated"] < second["contentCreated"]


async def test_a_changed_entry_is_put_again_at_its_place(site: Site, fetcher: Fetcher, outbox: Outbox) -> None:
    site.pages["rss"] = documents.NO_DATES
    poller = Poller(f"{site.url}/rss", "world", outbox, fetcher, Parser())
    assert await poller.poll() == 3
    site.pages["rss"] = documents.NO_DATES.replace(b"Ship 1", b"Ship 1 has left")
    assert await poller.poll() == 1
    *before, (op, _, changed) = waiting(outbox)
    assert [item["headline"] for _, _, item in before] == ["Ship 1", "Ship 2", "Ship 3"]
    assert (op, changed["headline"]) == ("upsert", "Ship 1 has left")
    assert changed["contentCreated"] == before[0].item["contentCreated"]
    assert changed["uri"] == before[0].item["uri"]
    assert "estimated" in changed["edNote"]


async def test_what_was_seen_is_remembered_over_a_restart(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    site.pages["rss"] = documents.LATIN_1
    for expected in (2, 0):
        async with Outbox(tmp_path / "rss.sqlite") as outbox:
            assert await Poller(f"{site.url}/rss", "world", outbox, fetcher, Parser()).poll() == expected
    site.pages["rss"] = documents.LATIN_1 + b"<!-- made at another time -->"
    async with Outbox(tmp_path / "rss.sqlite") as outbox:
        assert await Poller(f"{site.url}/rss", "world", outbox, fetcher, Parser()).poll() == 0
        assert await outbox.pending() == 2


async def test_an_unchanged_document_is_not_sent_again(site: Site, fetcher: Fetcher, outbox: Outbox) -> None:
    site.pages["rss"] = documents.NO_DATES
    site.validators = True
    poller = Poller(f"{site.url}/rss", "world", outbox, fetcher, Parser())
    assert [await poller.poll() for _ in range(2)] == [3, 0]
    assert [status for _, status in site.asked] == [200, 304]


async def test_a_failed_document_leaves_no_trace(site: Site, fetcher: Fetcher, outbox: Outbox) -> None:
    """Its validators too: the next try must not be told that nothing has changed."""
    site.validators = True
    site.pages["rss"] = b"<html>Sorry</html>"
    poller = Poller(f"{site.url}/rss", "world", outbox, fetcher, Parser())
    for _ in range(2):
        with pytest.raises(Unreadable):
            await poller.poll()
    assert [status for _, status in site.asked] == [200, 200]


async def test_a_failed_feed_does_not_stop_the_others(site: Site, fetcher: Fetcher, outbox: Outbox) -> None:
    site.pages = {"bad": b"<html>Sorry</html>", "good": documents.NO_DATES, "bomb": b'<!DOCTYPE r [<!ENTITY a "b">]><rss/>'}
    pollers = [
        Poller(url, "world", outbox, fetcher, Parser())
        for url in (
            *(f"{site.url}/{name}" for name in ("bad", "missing", "bomb", "good")),
            "http://127.0.0.9/",
            "file:///etc/hosts",
        )
    ]
    assert not await poll_all(pollers, interval=60, once=True)
    assert await outbox.pending() == 3
    assert await poll_all(pollers[3:4], interval=60, once=True)


async def test_not_even_a_fault_of_ours_stops_the_others(site: Site, fetcher: Fetcher, outbox: Outbox) -> None:
    class Broken(Poller):
        async def poll(self) -> int:
            raise LookupError("broken")

    site.pages["good"] = documents.NO_DATES
    pollers = [kind(f"{site.url}/good", "world", outbox, fetcher, Parser()) for kind in (Broken, Poller)]
    assert not await poll_all(pollers, interval=60, once=True)
    assert await outbox.pending() == 3


async def test_polling_goes_on(site: Site, fetcher: Fetcher, outbox: Outbox) -> None:
    site.pages["good"] = documents.NO_DATES
    pollers = [Poller(f"{site.url}/{name}", "world", outbox, fetcher, Parser()) for name in ("good", "missing")]
    polling = asyncio.create_task(poll_all(pollers, interval=0.01, once=False))
    await until(lambda: {name for name, _ in site.asked[4:]} == {"good", "missing"})
    polling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await polling
    assert await outbox.pending() == 3


async def test_a_killed_producer_neither_loses_nor_repeats(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """The items and the memory of them are one step: there is no moment at which one is there without the other."""
    site.pages["rss"] = documents.NO_DATES
    path = tmp_path / "rss.sqlite"

    class Killed(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Killed

    async with Outbox(path) as outbox:
        poller = Poller(f"{site.url}/rss", "world", outbox, fetcher, Parser())
        insert, Journal.insert = Journal.insert, die  # type: ignore[method-assign,assignment]
        try:
            with pytest.raises(Killed):
                await poller.poll()
        finally:
            Journal.insert = insert  # type: ignore[method-assign]
    async with Outbox(path) as outbox:
        poller = Poller(f"{site.url}/rss", "world", outbox, fetcher, Parser())
        assert await poller.poll() == 3
        assert await outbox.pending() == 3


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real documents are not at hand")
@pytest.mark.parametrize("name", REAL)
async def test_real_documents(name: str, site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """As many items as the document has entries, none of them refused for its shape, and none again after a restart."""
    site.pages[name] = (SHARED / name).read_bytes()
    url = f"{site.url}/{name}"
    async with Outbox(tmp_path / "rss.sqlite") as outbox:
        assert await Poller(url, "world", outbox, fetcher, Parser()).poll() == REAL[name]
        items = [each.item for each in waiting(outbox)]
    assert len({item["uri"] for item in items}) == REAL[name]
    assert not any("<i>" in item.get("headline", "") for item in items)
    for item in items:
        check(item)
    site.pages[name] += b"\n"
    async with Outbox(tmp_path / "rss.sqlite") as outbox:
        assert await Poller(url, "world", outbox, fetcher, Parser()).poll() == 0


def check(item: Item) -> None:
    """The server's own rules."""
    parse_item(orjson.dumps(item), now=int(time.time() * 1000))
