"""One reader more, that inflates what the load generator only weighs."""

from __future__ import annotations

import http.client
import socket
import threading
import zlib
from types import TracebackType

from bench.servers import Server

__all__ = ["MARKER", "Inflating"]

MARKER = b'"type":"live.item.'
"""It stands once in each event: within a text its quotes would be escaped."""


class Inflating:
    """Counts the events of a gzipped stream while the block runs; *events* holds them after it."""

    def __init__(self, server: Server) -> None:
        self.events = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port)
        self._connection.connect()
        # The connection forgets its socket when the answer is to be the last one.
        self._socket = self._connection.sock
        self._connection.request("GET", server.sse, headers={"Accept": "text/event-stream", "Accept-Encoding": "gzip"})
        self._answer = self._connection.getresponse()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Inflating:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        # A read that waits ends when its socket does; closing alone would leave it waiting.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()

    def _read(self) -> None:
        assert self._answer.getheader("Content-Encoding") == "gzip"
        inflater, kept = zlib.decompressobj(wbits=31), b""
        while data := self._answer.read1(65536):
            text = kept + inflater.decompress(data)
            self.events += text.count(MARKER)
            kept = text[-len(MARKER) + 1 :]
