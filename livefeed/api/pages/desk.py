"""`/desk/{feed}`: the editing desk. It asks for a key first, and then uses the public API."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from livefeed.api.pages.endpoints import Pages
from livefeed.api.requests import caller_of
from livefeed.exceptions import NotFound, RequestError
from livefeed.feeds import FeedSettings, check_feed_name
from livefeed.grants import Caller, Role
from livefeed.log.catalog import Catalog, Feed
from livefeed.queries import Query

__all__ = ["Desk"]

_ROLES = (Role.EDIT, Role.PUBLISH, Role.CONTRIBUTE)


class Desk:
    def __init__(self, pages: Pages, catalog: Catalog) -> None:
        self._pages = pages
        self._catalog = catalog

    def routes(self) -> list[Route]:
        return [Route("/desk/{feed}", self.desk, methods=["GET"])]

    async def desk(self, request: Request) -> Response:
        caller = caller_of(request)
        try:
            name = check_feed_name(request.path_params["feed"])
            query = Query(request.scope["query_string"], ("item", "lang"))
            role = next((role for role in _ROLES if caller.may(role, name)), None)
            # A caller without permission to write must not learn which feeds exist.
            feed = await self._feed(caller, name) if role else None
        except RequestError as error:
            return self._pages.problem(request, error)
        frame = self._pages.frame(request, query.one("lang") or "", feed)
        shown: dict[str, object] = {"feed": name, "settings": feed.settings if feed else FeedSettings()}
        if role is None:
            html = self._pages.renderer.render("signin.html", frame, **shown, subject=caller.subject)
            return HTMLResponse(html, 403 if caller.subject else 200, {"Cache-Control": "no-store"})
        html = self._pages.renderer.render(
            "desk.html", frame, **shown, role=role.name.lower(), subject=caller.subject, exists=feed is not None
        )
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})

    async def _feed(self, caller: Caller, name: str) -> Feed | None:
        """None if *caller* would create the feed with the first item."""
        try:
            return await self._catalog.get(name)
        except NotFound:
            if caller.is_admin:
                return None
            raise
