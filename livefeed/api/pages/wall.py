"""`/wall/{feed}` and `/wall/status`: unattended screens, and their status page."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from livefeed.api.pages.endpoints import Pages
from livefeed.api.pages.rendering import is_breaking
from livefeed.api.presence import Presence
from livefeed.exceptions import BadRequest, Forbidden, RequestError, Unauthorized, Unavailable
from livefeed.feeds import FeedSettings, check_feed_name
from livefeed.filters import MAX_TAG, Filter, fold_tag
from livefeed.items import Item
from livefeed.log.catalog import Feed
from livefeed.queries import MAX_TAGS, Query

__all__ = ["Scene", "Wall", "read_scene"]

ROWS, MOST_ROWS = 6, 20
KEPT = 60
"""Items that are searched for pins and breaking news; the page keeps the same number."""
BAND = 3
"""Rows replaced by the banner for breaking news, so that the font size does not change."""
LATE = 60_000
"""Milliseconds without a report after which a screen is missing. Screens report four times a minute."""

_PARAMETERS = ("rows", "tags", "lang", "tz", "theme", "scale", "screen", "dim")
_THEMES = ("dark", "light", "auto")
_SCALE = re.compile(r"[0-9](\.[0-9]{1,2})?", re.ASCII)
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}", re.ASCII)
_HOURS = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_SCREEN = re.compile(r"[\w .:@-]{1,64}")


@dataclass(frozen=True, slots=True)
class Scene:
    """The configuration of a screen, all of which is in the URL, because screens have no input devices."""

    rows: int = ROWS
    tags: tuple[str, ...] = ()
    zone: str = ""
    """An IANA time zone; empty: the screen's own."""
    theme: str = "dark"
    scale: float = 1.0
    screen: str = ""
    dim: str = ""
    """The hours during which it is dimmed, such as `22:00-06:00`."""

    @property
    def only(self) -> Filter:
        return Filter(frozenset(map(fold_tag, self.tags)))


def read_scene(query: Query) -> Scene:
    """Raises `BadRequest`, so that a misspelt tag or zone is noticed when the screen is set up."""
    tags = tuple(tag.strip() for tag in (query.one("tags") or "").split(",") if tag.strip())
    if len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG for tag in tags):
        raise BadRequest(f"tags: at most {MAX_TAGS} of at most {MAX_TAG} characters are allowed, with commas between them")
    scale = _matching(query, "scale", _SCALE, "a number from 0.5 to 3, such as 1.25")
    if scale and not 0.5 <= float(scale) <= 3:
        raise BadRequest(f"scale={scale} is not a number from 0.5 to 3")
    return Scene(
        rows=query.integer("rows", 1, MOST_ROWS) or ROWS,
        tags=tags,
        zone=_matching(query, "tz", _ZONE, "a time zone such as Europe/Berlin"),
        theme=query.choice("theme", _THEMES) or "dark",
        scale=float(scale or 1),
        screen=_matching(query, "screen", _SCREEN, "a name of at most 64 letters, digits, spaces and .:@_-"),
        dim=_matching(query, "dim", _HOURS, "two times of day such as 22:00-06:00"),
    )


def _matching(query: Query, name: str, pattern: re.Pattern[str], meant: str) -> str:
    value = query.one(name) or ""
    if value and pattern.fullmatch(value) is None:
        raise BadRequest(f"{name}={value[:60]!r} is not {meant}")
    return value


class Wall:
    """The endpoints of the screens; *pages* renders, *presence* keeps the screens' reports."""

    def __init__(self, pages: Pages, presence: Presence) -> None:
        self._pages = pages
        self._presence = presence

    def routes(self) -> list[Route]:
        # The status page comes first: a feed named "status" cannot have a wall.
        return [
            Route("/wall/status", self.status, methods=["GET"]),
            Route("/wall/{feed}", self.wall, methods=["GET"]),
        ]

    async def wall(self, request: Request) -> Response:
        """The screen. It is also served while the store is unavailable, or without a key: it then displays that, and waits."""
        feed: Feed | None = None
        denied, items = False, list[Item]()
        try:
            name = check_feed_name(request.path_params["feed"])
            query = Query(request.scope["query_string"], _PARAMETERS)
            scene = read_scene(query)
            feed = await self._pages.readable(request)
            items = await self._pages.current(feed.name, KEPT, scene.only)
        except (Unauthorized, Forbidden):
            denied = True
        except Unavailable:
            pass
        except RequestError as error:
            return self._pages.problem(request, error)
        frame = self._pages.frame(request, query.one("lang") or "", feed)
        now = self._pages.now()
        breaking = next((item for item in items if is_breaking(item, now)), None)
        html = self._pages.renderer.render(
            "wall.html",
            frame,
            feed=name,
            settings=feed.settings if feed else FeedSettings(),
            scene=scene,
            denied=denied,
            breaking=breaking,
            items=arranged(
                [item for item in items if item is not breaking], max(1, scene.rows - BAND) if breaking else scene.rows
            ),
            now=now,
        )
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})

    async def status(self, request: Request) -> Response:
        """All screens, with the time since their last report."""
        try:
            query = Query(request.scope["query_string"], ("lang",))
            entries = await self._presence.screens(request)
        except RequestError as error:
            return self._pages.problem(request, error)
        screens = [{**msgspec.json.decode(entry.report), "age": entry.age, "late": entry.age > LATE} for entry in entries]
        frame = self._pages.frame(request, query.one("lang") or "")
        html = self._pages.renderer.render("wall-status.html", frame, screens=screens, late=LATE)
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})


def arranged(items: list[Item], rows: int) -> list[Item]:
    """The items for a screen of *rows*: pinned items first, in at most a third of the rows, then the newest."""
    pinned = sorted((item for item in items if item.pinned), key=lambda item: item.pin_rank)[: rows // 3]
    return [*pinned, *(item for item in items if item not in pinned)][:rows]
