"""The doorway: opens streams immediately, without the application's task, middlewares and routes.

In a reconnect storm, nearly all readers are anonymous and name a position in a feed that this worker already follows, so nothing
has to be awaited. The rules are the functions that the application itself uses. Every other request goes to the application.
"""

from __future__ import annotations

from functools import lru_cache

from livefeed.api.events import STREAM_VARY, Asked, Events, choose_subprotocol, negotiate, read_asked
from livefeed.auth.cors import cors_headers
from livefeed.auth.headers import ALWAYS
from livefeed.auth.middleware import read_ticket
from livefeed.auth.origins import Origins
from livefeed.exceptions import RequestError
from livefeed.outlets import Headers, Opening, stream_head
from livefeed.queries import Query
from livefeed.starts import PARAMETERS

__all__ = ["Doorway"]

_PREFIX, _SUFFIX = "/v1/feeds/", "/events"

_CREDENTIALS = frozenset({b"authorization", b"cookie"})

_KEPT = 256
"""Cached queries and origins: readers that reconnect together have few different ones."""


class Doorway:
    """Opens the streams of anonymous readers for which nothing has to be awaited."""

    def __init__(self, events: Events, origins: Origins) -> None:
        self._events = events
        self._origins = origins
        self._head = lru_cache(maxsize=_KEPT)(self._make_head)

    def __call__(self, path: str, query: bytes, headers: Headers, offered: list[str] | None = None) -> Opening | None:
        """How to open the requested stream, as WebSocket if *offered* (its subprotocols) is given; None: by the application."""
        if not (path.startswith(_PREFIX) and path.endswith(_SUFFIX)):
            return None
        found: dict[bytes, bytes] = {}
        last: tuple[str, ...] = ()
        for name, value in headers:
            if name in _CREDENTIALS:
                return None
            if name == b"last-event-id":
                last = (*last, value.decode("latin-1"))
            found.setdefault(name, value)
        try:
            if offered is None and negotiate(found.get(b"accept", b"").decode("latin-1")) != "sse":
                return None
            start = self._events.at_once(path[len(_PREFIX) : -len(_SUFFIX)], _read(path, query, last))
            if start is None:
                return None
            if offered is not None:
                return Opening((), start, choose_subprotocol(offered))
            return Opening(self._head(found.get(b"origin") if self._origins else None), start)
        except RequestError:
            return None

    def _make_head(self, origin: bytes | None) -> Headers:
        named = None if origin is None else origin.decode("latin-1")
        return stream_head(STREAM_VARY, (*ALWAYS, *cors_headers(self._origins, _PREFIX, "GET", named)))


@lru_cache(maxsize=_KEPT)
def _read(path: str, query: bytes, last_event_ids: tuple[str, ...]) -> Asked:
    # `lru_cache` keeps no exceptions, so no query with a credential or ticket, both of which raise, stays in memory. The time is
    # only used for `since=`, which the doorway leaves to the application.
    read_ticket(path, query)
    return read_asked(Query(query, PARAMETERS), list(last_event_ids), now=0)
