"""An additional reader that decompresses its stream: the load generator only counts bytes."""

from __future__ import annotations

import http.client
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import ClientConnection, connect

from bench.servers import Server

__all__ = ["MARKER", "OFFER", "Counted", "inflating"]

MARKER = b'"type":"live.item.'
"""It stands once in each event: within a text its quotes would be escaped."""

OFFER = "permessage-deflate; client_no_context_takeover; server_no_context_takeover"


class Counted:
    """What has been read so far."""

    def __init__(self) -> None:
        self.events = 0


@contextmanager
def inflating(server: Server, wire: str) -> Iterator[Counted]:
    """Count the events of a compressed stream while the block runs."""
    with (_gzip if wire == "sse" else _deflate)(server) as counted:
        yield counted


@contextmanager
def _gzip(server: Server) -> Iterator[Counted]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.connect()
    # The connection forgets its socket when the answer is to be the last one.
    own = connection.sock
    connection.request("GET", server.sse, headers={"Accept": "text/event-stream", "Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    assert answer.getheader("Content-Encoding") == "gzip"
    counted = Counted()

    def read() -> None:
        inflater, kept = zlib.decompressobj(wbits=31), b""
        while data := answer.read1(65536):
            text = kept + inflater.decompress(data)
            counted.events += text.count(MARKER)
            kept = text[-len(MARKER) + 1 :]

    # A read that waits ends when its socket does; closing alone would leave it waiting.
    with _reading(read, lambda: own.shutdown(socket.SHUT_RDWR)):
        yield counted
    connection.close()


@contextmanager
def _deflate(server: Server) -> Iterator[Counted]:
    takeover = ClientPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)
    address = f"ws://127.0.0.1:{server.port}{server.ws}"
    connection = connect(address, compression=None, extensions=[takeover], proxy=None, max_size=None)
    assert connection.protocol.extensions
    counted = Counted()
    with _reading(lambda: _count(connection, counted), connection.close):
        yield counted


def _count(connection: ClientConnection, counted: Counted) -> None:
    try:
        for message in connection:
            counted.events += str(message).count(MARKER.decode())
    except ConnectionClosed:
        return


@contextmanager
def _reading(read: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()
