"""The doorway: lets readers in at once, past the application's tasks, middlewares and routes.

When everybody comes back, nearly all are anonymous and name a position in a feed that this worker follows already: nothing has to
be waited for. Each rule is asked where the application asks it. Whatever is not let in here, the application answers.
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

_BEFORE, _BEHIND = "/v1/feeds/", "/events"

_CREDENTIALS = frozenset({b"authorization", b"cookie"})

_KEPT = 256
"""Addresses and origins: those that come back together name few different ones."""


class Doorway:
    """Opens the streams of anonymous readers for which nothing has to be waited for."""

    def __init__(self, events: Events, origins: Origins) -> None:
        self._events = events
        self._origins = origins
        self._head = lru_cache(maxsize=_KEPT)(self._make_head)

    def __call__(self, path: str, query: bytes, headers: Headers, offered: list[str] | None = None) -> Opening | None:
        """How to open the stream that a `GET` asks for, with *offered* subprotocols a WebSocket; None: by the application."""
        if not (path.startswith(_BEFORE) and path.endswith(_BEHIND)):
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
            start = self._events.at_once(path[len(_BEFORE) : -len(_BEHIND)], _read(path, query, last))
            if start is None:
                return None
            if offered is not None:
                return Opening((), start, choose_subprotocol(offered))
            return Opening(self._head(found.get(b"origin") if self._origins else None), start)
        except RequestError:
            return None

    def _make_head(self, origin: bytes | None) -> Headers:
        named = None if origin is None else origin.decode("latin-1")
        return stream_head(STREAM_VARY, (*ALWAYS, *cors_headers(self._origins, _BEFORE, "GET", named)))


@lru_cache(maxsize=_KEPT)
def _read(path: str, query: bytes, last_event_ids: tuple[str, ...]) -> Asked:
    # What raises is not kept: neither credentials nor tickets, which are no parameter here. A time is no matter for the doorway.
    read_ticket(path, query)
    return read_asked(Query(query, PARAMETERS), list(last_event_ids), now=0)
