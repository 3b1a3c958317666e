"""Presence: who is at a feed's desk, and which screens show it. For information only: it locks nothing."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from livefeed.api.requests import JSON, caller_of, media_type, read_json
from livefeed.exceptions import FieldError, Invalid
from livefeed.feeds import check_feed_name
from livefeed.grants import Role
from livefeed.items.rules import Choice, Integer, Text, Time
from livefeed.items.shapes import Record
from livefeed.limits import Meter, Rate, site_of
from livefeed.log.catalog import Catalog
from livefeed.log.keys import SCREENS, Keys
from livefeed.log.roster import Entry, Roster
from livefeed.queries import Query

__all__ = ["AT_DESK", "SCREEN_REPORT", "Presence"]

MAX_REPORT = 4096
REPORTS = Rate(per_second=20, burst=200)
"""Reports allowed per client address. Each screen reports every few seconds, and a whole newsroom may share one address."""
_FRESH = {"Cache-Control": "no-store"}


class AtDesk(msgspec.Struct, frozen=True):
    """One open desk; *item* is the one being edited there."""

    desk: str
    name: str = ""
    item: str = ""
    subject: str = ""


class ScreenReport(msgspec.Struct, frozen=True):
    """A screen's report about itself. *heard* is the time in ms since its stream last brought anything."""

    screen: str
    state: str
    feed: str = ""
    items: int = 0
    version: str = ""
    heard: int | UnsetType = UNSET
    newest: str | UnsetType = UNSET
    since: str | UnsetType = UNSET


AT_DESK = Record({"desk": Text(64, 1), "name": Text(80), "item": Text(64)}, AtDesk, ("desk",))
SCREEN_REPORT = Record(
    {
        "screen": Text(64, 1),
        "state": Choice(("live", "reconnecting", "offline")),
        "heard": Integer(0, 2**53),
        "items": Integer(0, 1000),
        "newest": Time(),
        "version": Text(64),
        "since": Time(),
    },
    ScreenReport,
    ("screen", "state"),
)


class Presence:
    """The endpoints over the rosters *desks* and *screens*. *reports* limits the screen reports of one client address."""

    def __init__(self, catalog: Catalog, desks: Roster, screens: Roster, *, reports: Rate = REPORTS) -> None:
        self._catalog = catalog
        self._desks = desks
        self._screens = screens
        self._reports = Meter(reports, "the screens of an address may report {rate} times a second")

    def routes(self) -> list[Route]:
        return [
            Route("/v1/feeds/{feed}/desks", self.report_desk, methods=["POST"]),
            Route("/v1/feeds/{feed}/desks/{desk}", self.leave_desk, methods=["DELETE"]),
            Route("/v1/feeds/{feed}/screens", self.report_screen, methods=["POST"]),
            Route("/v1/screens", self.list_screens, methods=["GET"]),
        ]

    async def report_desk(self, request: Request) -> Response:
        """Register a desk as open; the response lists all open desks."""
        feed, caller = check_feed_name(request.path_params["feed"]), caller_of(request)
        caller.require(Role.CONTRIBUTE, feed)
        report: AtDesk = await _read(request, AT_DESK)
        own = msgspec.structs.replace(report, subject=caller.subject)
        entries = await self._desks.report(Keys(feed).desks, own.desk, msgspec.json.encode(own))
        return Response(_joined("desks", entries), media_type=JSON, headers=_FRESH)

    async def leave_desk(self, request: Request) -> Response:
        feed = check_feed_name(request.path_params["feed"])
        caller_of(request).require(Role.CONTRIBUTE, feed)
        Query(request.scope["query_string"], ())
        await self._desks.leave(Keys(feed).desks, request.path_params["desk"][:64])
        return Response(status_code=204, headers=_FRESH)

    async def report_screen(self, request: Request) -> Response:
        """Store a screen's report. Anyone who may read the feed may run a screen of it."""
        feed = await self._catalog.get(check_feed_name(request.path_params["feed"]))
        if not feed.settings.public:
            caller_of(request).require(Role.READ, feed.name)
        self._reports.charge(site_of(request.client.host) if request.client else "", 1, time.monotonic())
        report: ScreenReport = await _read(request, SCREEN_REPORT)
        own = msgspec.structs.replace(report, feed=feed.name)
        await self._screens.report(SCREENS, f"{feed.name}/{own.screen}", msgspec.json.encode(own))
        return Response(status_code=204, headers=_FRESH)

    async def list_screens(self, request: Request) -> Response:
        Query(request.scope["query_string"], ())
        return Response(_joined("screens", await self.screens(request)), media_type=JSON, headers=_FRESH)

    async def screens(self, request: Request) -> list[Entry]:
        """The screens of the feeds that the caller may read."""
        entries = await self._screens.read(SCREENS)
        caller = caller_of(request)
        names = sorted({_feed_of(entry) for entry in entries})
        feeds = {name: feed for name, feed in zip(names, await self._catalog.get_many(names), strict=True) if feed}
        readable = {name for name, feed in feeds.items() if feed.settings.public or caller.may(Role.READ, name)}
        return [entry for entry in entries if _feed_of(entry) in readable]


def _feed_of(entry: Entry) -> str:
    return entry.member.partition("/")[0]


async def _read(request: Request, record: Record) -> Any:
    Query(request.scope["query_string"], ())
    media_type(request, (JSON,))
    body = await read_json(request, MAX_REPORT)
    if not isinstance(body, dict):
        raise Invalid(FieldError("", "type", "a report must be a JSON object"))
    return record.check(body, "")


def _joined(name: str, entries: list[Entry]) -> bytes:
    shown = [entry.report[:-1] + b',"age":%d}' % entry.age for entry in entries]
    return b'{"%s":[%s]}' % (name.encode(), b",".join(shown))
