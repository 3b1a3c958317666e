"""Connections after the hand-over: outlets that write to the transport with minimal overhead."""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable

from livefeed.compression import DEFLATED_FRAMES, inflate
from livefeed.frameparser import Close, FrameParser, Ping, Pong, Received
from livefeed.frames import close_frame, ping_frame, pong_frame
from livefeed.net.network import Network
from livefeed.outlets import Owner, Start
from livefeed.wires import Wire

__all__ = ["DirectOutlet", "SseOutlet", "WebSocketOutlet"]

_PING = ping_frame()


class _Cork(asyncio.Transport):
    """Buffers writes while the owner is created, so that the head and the first events take one system call.

    It reports when it is full, like a transport. Otherwise a replay would exceed the connection's high-water mark.
    """

    def __init__(self, transport: asyncio.Transport, head: bytes, outlet: DirectOutlet, high_water: int) -> None:
        super().__init__()
        self._transport = transport
        self._pieces = [head]
        self._size = len(head)
        self._outlet = outlet
        self._high_water = high_water
        self._end: Callable[[], None] | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._pieces.append(bytes(data))
        self._size += len(data)
        if self._size > self._high_water:
            self._outlet.writable = False

    def get_write_buffer_size(self) -> int:
        return self._size

    def close(self) -> None:
        self._end = self._transport.close

    def abort(self) -> None:
        self._end = self._transport.abort

    def pull(self) -> None:
        # Not joined here: a snapshot is shared by all its recipients, even while it is buffered.
        self._transport.writelines(self._pieces)
        if self._end is not None:
            self._end()


def _socket_for(transport: asyncio.Transport) -> socket.SocketType | None:
    """A socket, still without a descriptor, that will share the one of *transport*; None with TLS."""
    if transport.get_extra_info("sslcontext") is not None:
        return None
    # Not `socket.socket`: its instances have a `__dict__`, which is megabytes for 20,000 readers.
    return socket.SocketType.__new__(socket.SocketType)


class DirectOutlet(asyncio.Protocol, ABC):
    """Writes to the connection itself. It is the protocol of its transport from the hand-over on.

    Data that the kernel accepts immediately bypasses the transport, whose queue would add half a microsecond to each
    delivery. The rest goes to the transport, and so does everything that follows until its buffer is empty.

    `_socket` has the descriptor only while everything written before is in the kernel and the connection is open. So its `send`,
    which others keep, can neither overtake what the transport holds nor reach a connection that got the same number later.
    """

    __slots__ = ("_address", "_level", "_network", "_open", "_owner", "_socket", "_transport", "wire", "writable")

    def __init__(self, transport: asyncio.Transport, wire: Wire, network: Network, address: str | None) -> None:
        self.wire = wire
        self.writable = True
        self._transport = transport
        self._socket = _socket_for(transport)
        self._level = False
        """Whether `_socket` has the descriptor."""
        self._network = network
        self._address = address
        self._open = True
        self._owner: Owner | None = None

    def start(self, head: bytes, start: Start, *, writable: bool = True) -> None:
        """Take the transport over, answer with *head* and make the owner.

        *writable* is the state that the transport last reported to the previous protocol.
        """
        transport, limits = self._transport, self._network.limits
        self.writable = writable
        # In this order: setting the limits may call `pause_writing` of the current protocol.
        transport.set_protocol(self)
        transport.set_write_buffer_limits(high=limits.high_water, low=limits.low_water)
        # A request with a body leaves reading paused, in which case the end of the connection would not be noticed.
        transport.resume_reading()
        self._transport = cork = _Cork(transport, head, self, limits.high_water)
        try:
            owner = start(self)
        except BaseException:
            self.abort()
            raise
        finally:
            self._transport = transport
            full = not self.writable
            self.writable = writable and self._open
            cork.pull()
        self._owner = owner
        if self._open and not self.writable:
            self.pause_writing()
        elif self._open and full:
            # The kernel accepted all of it immediately.
            owner.resume()

    # Called by the owner and the hub.

    @property
    def send(self) -> Callable[[bytes], int | None]:
        return self.write if self._socket is None else self._socket.send

    def write(self, data: bytes | memoryview, /) -> None:
        if not self._open:
            return
        if self._socket is None or not (self._level or self._leveled(self._socket)):
            self._transport.write(data)
            return
        try:
            sent = self._socket.send(data)
        except OSError:
            # The socket's buffer is full or the peer is gone: the transport finds out which.
            sent = 0
        if sent < len(data):
            self._unlevel()
            # No copy: slow readers share the bytes with all others.
            self._transport.write(memoryview(data)[sent:])

    def _leveled(self, own: socket.SocketType) -> bool:
        """Give *own* the descriptor, if the transport holds nothing any more."""
        if self._transport.get_write_buffer_size() > 0:
            return False
        of = self._transport.get_extra_info("socket")
        own.__init__(of.family, of.type, of.proto, of.fileno())  # type: ignore[misc]  # that is how a detached one gets another
        self._level = True
        return True

    def _unlevel(self) -> None:
        if self._level and self._socket is not None:
            self._socket.detach()
        self._level = False

    @abstractmethod
    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:
        """Write *farewell*, and close the connection once everything is written."""

    def abort(self) -> None:
        self._end()
        self._transport.abort()

    # Called by the network.

    @abstractmethod
    def ping(self) -> None:
        """Check whether the peer is alive."""

    def waiting(self) -> int:
        return self._transport.get_write_buffer_size()

    # Called by the transport.

    def pause_writing(self) -> None:
        self.writable = False
        if self._open and self._owner is not None:
            self._network.behind(self, self._network.limits.write_timeout)
            self._owner.pause()

    def resume_writing(self) -> None:
        if self._open:
            self.writable = True
            self._network.level(self)
            if self._owner is not None:
                self._owner.resume()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._end()
        network, owner = self._network, self._owner
        self._owner = None
        network.counters.connections -= 1
        network.discard(self)
        network.leave(self._address)
        if owner is not None:
            owner.closed()

    def _end(self) -> None:
        self._open = False
        self.writable = False
        # The transport closes the descriptor later, and another connection may reuse it.
        self._unlevel()


class SseOutlet(DirectOutlet):
    """An event stream that is terminated by the end of the connection."""

    __slots__ = ()

    def start(self, head: bytes, start: Start, *, writable: bool = True) -> None:
        self._network.add_stream(self)
        super().start(head, start, writable=writable)

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:  # noqa: ARG002
        if not self._open:
            return
        if farewell:
            self.write(farewell)
        self._end()
        self._transport.close()
        self._network.behind(self, self._network.limits.write_timeout)

    def ping(self) -> None:
        """Nothing to do: a stream's client sends nothing. The hub writes heartbeats, and the kernel detects a dead peer."""

    def data_received(self, data: bytes) -> None:
        """Discard it: the connection closes after this response, so no further request can follow."""


class WebSocketOutlet(DirectOutlet):
    """A WebSocket after its handshake."""

    __slots__ = ("_answered", "_parser", "_pong")

    def __init__(self, transport: asyncio.Transport, wire: Wire, network: Network, address: str | None) -> None:
        super().__init__(transport, wire, network, address)
        self._answered = True
        # Created with the first byte of a message and dropped after its last.
        self._parser: FrameParser | None = None
        self._pong: bytes | None = None

    def start(self, head: bytes, start: Start, *, writable: bool = True) -> None:
        self._network.add_websocket(self)
        super().start(head, start, writable=writable)

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:
        """Send a Close frame, and give the peer time to reply (RFC 6455, 7.1.1: the server closes the connection)."""
        if self._open:
            self.write(farewell + close_frame(code, reason))
            self._end()
            self._network.closing(self)

    def ping(self) -> None:
        # With a stuck write buffer, the peer has not seen the last ping; the write timeout applies instead.
        if not self.writable:
            self._answered = True
        elif self._answered:
            self._answered = False
            self.write(_PING)
        else:
            self._network.counters.connections_silent += 1
            self.abort()

    def resume_writing(self) -> None:
        if self._pong is not None:
            self.write(pong_frame(self._pong))
            self._pong = None
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        self._answered = True
        parser = self._parser or FrameParser(inflate=inflate if self.wire is DEFLATED_FRAMES else None)
        for received in parser.receive(data):
            self._received(received, faulty=parser.faulty)
        self._parser = None if parser.idle else parser

    def _received(self, received: Received, *, faulty: bool) -> None:
        if isinstance(received, Close):
            self._closed_by_peer(received, faulty=faulty)
        elif not self._open or self._owner is None or isinstance(received, Pong):
            return
        elif isinstance(received, Ping):
            self._answer(received.payload)
        else:
            self._owner.receive(received)

    def _answer(self, payload: bytes) -> None:
        # RFC 6455, 5.5.3: only the last of several pings needs a reply, so a flood of pings cannot fill a buffer.
        if self.writable:
            self.write(pong_frame(payload))
        else:
            self._pong = payload

    def _closed_by_peer(self, close: Close, *, faulty: bool) -> None:
        if self._open:
            self.write(close_frame(close.code, close.reason if faulty else ""))
            self._end()
        if faulty and self._transport.can_write_eof():
            # Closing while the peer is still sending would reset the connection, and the reset would overtake the Close frame.
            self._transport.write_eof()
            self._network.closing(self)
        else:
            self._transport.close()
            self._network.closing(self)
