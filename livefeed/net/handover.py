"""The hand-over of an event stream: from uvicorn's protocol, with its state of the request, to a small outlet."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from livefeed.compression import GZIP, GZIP_HEADER, accepts_gzip
from livefeed.eventstream import SSE
from livefeed.net.answers import response_head
from livefeed.net.direct import SseOutlet
from livefeed.outlets import Headers, Start
from livefeed.wires import Wire

if TYPE_CHECKING:
    from livefeed.net.http import HttpProtocol

__all__ = ["StreamHandOver"]


class StreamHandOver:
    """Offers one request's connection for hand-over.

    The request's scope holds the offer, so the offer must not hold the request: what a flood of connections leaves behind would
    have to wait for the garbage collector, which then stops every reader for a tenth of a second.
    """

    __slots__ = ("_protocol",)

    def __init__(self, protocol: HttpProtocol) -> None:
        self._protocol: HttpProtocol | None = protocol

    def sse(self, headers: Headers, start: Start, /) -> bool:
        """The head, the hand-over and the owner's first bytes, in one iteration of the event loop."""
        # Release everything that belongs to the request.
        protocol, self._protocol = self._protocol, None
        if protocol is None or protocol.transport.is_closing() or protocol.offer is not self:
            return False
        cycle = protocol.cycle
        # A pipelined request, or an incomplete body, still needs the parser and the request cycle.
        if cycle.more_body or cycle.body or cycle.disconnected:
            return False
        wire, head = _answer(protocol, cycle, headers)
        address = protocol.release()
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        outlet = SseOutlet(protocol.transport, wire, protocol.network, address)
        outlet.start(head, start, writable=not protocol.flow.write_paused)
        return True

    def websocket(self, subprotocol: str | None, headers: Headers, start: Start, /) -> bool:  # noqa: ARG002
        return False


@lru_cache(maxsize=64)
def _head(headers: Headers) -> bytes:
    """The head of a stream. Within one second it differs only by what is accepted, and from which listed origin."""
    return response_head(200, headers)


def _answer(protocol: HttpProtocol, cycle: RequestResponseCycle, headers: Headers) -> tuple[Wire, bytes]:
    # The same bytes for every version of HTTP: not chunked, the end of the connection is the end of the stream.
    lines = [*protocol.server_state.default_headers, *headers, (b"connection", b"close")]
    if not protocol.network.limits.compression:
        return SSE, _head(tuple(lines))
    lines.append((b"vary", b"Accept-Encoding"))
    accepted = b",".join(value for name, value in cycle.scope["headers"] if name == b"accept-encoding")
    if not accepts_gzip(accepted.decode("latin-1")):
        return SSE, _head(tuple(lines))
    return GZIP, _head((*lines, (b"content-encoding", b"gzip"))) + GZIP_HEADER
