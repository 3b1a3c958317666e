"""Polling of syndication feeds: new entries are published, changed ones become new versions, and nothing is published twice.

The outbox file stores each feed's validators, and a digest of what was published for each entry. Both are committed in the
same transaction as the items, so a producer that is killed at any point neither loses nor repeats an item.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import structlog

from livefeed import Item, Outbox
from producers.entries import digest, editorial_time, identity, item
from producers.fetch import Document, Fetcher, FetchError
from producers.parsing import Parser
from producers.syndication import Channel, Entry, Unreadable

__all__ = ["Poller", "poll_all"]

_log = structlog.get_logger("producers.rss")

MAX_WAIT = 3600.0


class Poller:
    """A polled feed, and the feed it is published to."""

    def __init__(self, url: str, feed: str, outbox: Outbox, fetcher: Fetcher, parser: Parser) -> None:
        self.url = url
        self._feed = feed
        self._outbox = outbox
        self._fetcher = fetcher
        self._parser = parser
        self._log = _log.bind(url=url, feed=feed)

    async def poll(self) -> int:
        """One round; how many entries were new or changed. Raises `FetchError` and `Unreadable`."""
        seen = await self._outbox.notes([self._name("etag"), self._name("modified"), self._name("body")])
        document = await self._fetcher.fetch(
            self.url, etag=seen.get(self._name("etag"), ""), last_modified=seen.get(self._name("modified"), "")
        )
        body = hashlib.sha256(document.body).hexdigest()
        if document.unchanged or body == seen.get(self._name("body")):
            self._log.debug("unchanged")
            return 0
        channel = await self._parser.parse(document.body, url=document.url, content_type=document.content_type)
        return await self._keep(channel, document, body)

    async def _keep(self, channel: Channel, document: Document, body: str) -> int:
        """Put new and changed entries into the outbox, and record them, in one transaction."""
        entries: dict[str, Entry] = {}
        for entry in channel.entries:
            entries.setdefault(identity(entry, self.url), entry)
        known = await self._outbox.notes(self._name(uri) for uri in entries)
        notes = {self._name("etag"): document.etag, self._name("modified"): document.last_modified, self._name("body"): body}
        now = datetime.now(UTC)
        fresh: list[Item] = []
        for number, (uri, entry) in enumerate(entries.items()):
            given = item(entry, channel, self.url)
            version, (before, _, time_before) = digest(given), known.get(self._name(uri), "").partition(" ")
            if version == before:
                continue
            # Entries without dates keep the document's order, newest first; a change must not move one to the top.
            time, estimated = editorial_time(entry, now - timedelta(milliseconds=number))
            given["contentCreated"] = time_before if estimated and time_before else time
            if estimated:
                given["edNote"] = estimated
            fresh.append(given)
            notes[self._name(uri)] = f"{version} {given['contentCreated']}"
        # Oldest first, the order in which they were written.
        fresh.sort(key=lambda given: given["contentCreated"])
        await self._outbox.put_all([(self._feed, given, "upsert") for given in fresh], notes=notes)
        self._log.info("polled", entries=len(entries), changed=len(fresh))
        return len(fresh)

    def _name(self, what: str) -> str:
        return f"rss {self._feed} {self.url} {what}"


async def poll_all(pollers: list[Poller], *, interval: float, once: bool) -> bool:
    """Poll each feed every *interval* seconds, or only one round with *once*. Returns whether there was no error."""
    if once:
        return all(result.good for result in await asyncio.gather(*(_round(poller) for poller in pollers)))
    async with asyncio.TaskGroup() as group:
        for poller in pollers:
            group.create_task(_poll_on(poller, interval))
    return True


class _Result(NamedTuple):
    good: bool
    retry_after: float = 0.0
    """Seconds, if the server asked for a delay."""


async def _round(poller: Poller) -> _Result:
    """One round of one feed; an error does not affect the others."""
    try:
        await poller.poll()
    except FetchError as error:
        _log.error("feed failed", url=poller.url, reason=str(error))
        return _Result(good=False, retry_after=error.retry_after or 0.0)
    except Unreadable as error:
        _log.error("feed failed", url=poller.url, reason=f"{poller.url} {error}")
        return _Result(good=False)
    except Exception:  # noqa: BLE001  # a supervised loop: one feed must not end the others
        _log.exception("feed failed", url=poller.url)
        return _Result(good=False)
    return _Result(good=True)


async def _poll_on(poller: Poller, interval: float) -> None:
    wait = interval
    while True:
        result = await _round(poller)
        longer = min(max(2 * wait, result.retry_after), max(MAX_WAIT, interval))
        wait = interval if result.good else longer
        # Randomised by a tenth, so that many feeds of one site do not stay synchronised.
        await asyncio.sleep(wait * random.uniform(0.9, 1.1))  # noqa: S311  # spreads load, keeps no secret
