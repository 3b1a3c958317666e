"""A reader's position in a feed, and the requests that resume from it. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from livefeed.client.types import FeedEvent, Query
from livefeed.eventstream import ServerSentEvent

__all__ = ["HEARTBEAT", "Position"]

HEARTBEAT = 15.0
"""Seconds between the server's heartbeats, until its hello says otherwise."""

_UNSEEN = frozenset({"hello", "heartbeat", "goodbye", "unavailable"})
"""Control events that are not passed to the reader."""


class Position:
    """Turns what the server sends into events for the reader, and keeps the state needed to resume.

    Rule 1: the position is the last event handed to the reader, never the last one received.
    Rule 2: without a position, repeat the first request: no event was handed over yet.
    Rule 3: `last` is sent along with a position, because it sets how many items a reset contains.
    """

    def __init__(
        self,
        *,
        after: str | None = None,
        since: str | None = None,
        last: int | None = None,
        tags: Iterable[str] = (),
        urgency: int | None = None,
    ) -> None:
        self.cursor = after
        self.heartbeat = HEARTBEAT
        self.greeted = False
        self.farewell: str | None = None
        """The reason of the server's goodbye on this connection, if any."""
        self.retry_ms: int | None = None
        """Milliseconds to wait before reconnecting, from the same message."""
        self._since = since
        self._last = last
        self._filters: Query = [("tag", tag) for tag in tags]
        if urgency is not None:
            self._filters.append(("urgency", str(urgency)))

    @property
    def patience(self) -> float:
        """Seconds of silence after which the connection is considered dead."""
        return 2 * self.heartbeat

    def connect(self) -> tuple[Query, dict[str, str]]:
        """The query and the headers of the next request."""
        self.greeted = False
        self.farewell = None
        self.retry_ms = None
        query = list(self._filters)
        if self.cursor is None and self._since is not None:
            query.append(("since", self._since))
        if self._last is not None:
            query.append(("last", str(self._last)))
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self.cursor is not None:
            headers["Last-Event-ID"] = self.cursor
        return query, headers

    def receive(self, sse: ServerSentEvent) -> FeedEvent | None:
        """The event for the reader; None when it is not one for readers. Call `advance` as it is handed over."""
        event = _event(sse)
        if event.type.startswith("live.stream.") and event.name in _UNSEEN:
            self._note(event)
            return None
        return event

    def advance(self, event: FeedEvent) -> None:
        if event.cursor is not None:
            self.cursor = event.cursor

    def _note(self, event: FeedEvent) -> None:
        if event.name == "hello":
            self.greeted = True
            beat = event.data.get("heartbeat")
            if isinstance(beat, int | float) and beat > 0:
                self.heartbeat = float(beat)
        elif event.name in ("goodbye", "unavailable"):
            self.farewell = str(event.data.get("reason") or event.name)
            retry_ms = event.data.get("retryMs")
            self.retry_ms = retry_ms if isinstance(retry_ms, int) and retry_ms >= 0 else None
        self.advance(event)


def _event(sse: ServerSentEvent) -> FeedEvent:
    try:
        envelope: dict[str, Any] = orjson.loads(sse.data)
        kind = envelope["type"]
        # On SSE the id is sticky; only an event with a cursor of its own moves the reader.
        cursor = envelope.get("cursor") if kind.startswith("live.stream.") else envelope["id"]
        return FeedEvent(
            type=kind,
            feed=str(envelope.get("source", "")).rpartition("/")[2],
            cursor=cursor,
            time=str(envelope.get("time", "")),
            subject=str(envelope.get("subject", "")),
            data=envelope.get("data") or {},
            json=sse.data,
        )
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"the stream carries something that is not a CloudEvent: {sse.data[:80]!r}") from error
