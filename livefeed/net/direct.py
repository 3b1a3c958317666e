"""Connections after the hand-over: outlets that write to the transport with as little as possible in between."""

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
    """Holds back what is written while an owner is made: head and first events leave in one call to the kernel.

    It says when it is full as a transport would, or a replay would not stop at what a connection may keep waiting.
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
        # Not joined here: a snapshot is shared by all who get it, also while it waits.
        self._transport.writelines(self._pieces)
        if self._end is not None:
            self._end()


def _socket_of(transport: asyncio.Transport) -> socket.SocketType | None:
    """The socket under *transport*, for who detaches it before the transport closes it; None where TLS lies between."""
    if transport.get_extra_info("sslcontext") is not None:
        return None
    own = transport.get_extra_info("socket")
    # Not `socket.socket`: that has a dictionary, which for 20,000 readers is megabytes.
    return socket.SocketType(own.family, own.type, own.proto, own.fileno())


class DirectOutlet(asyncio.Protocol, ABC):
    """Writes to the connection itself. It is the protocol of its transport from the hand-over on.

    What the kernel takes at once goes past the transport, whose queue would cost half a microsecond of each delivery. The
    transport gets what is left, and everything that follows until it holds nothing more.
    """

    __slots__ = ("_address", "_network", "_open", "_owner", "_queued", "_socket", "_transport", "wire", "writable")

    def __init__(self, transport: asyncio.Transport, wire: Wire, network: Network, address: str | None) -> None:
        self.wire = wire
        self.writable = True
        self._transport = transport
        self._socket = _socket_of(transport)
        self._queued = True
        """Whether the transport may hold something that must go first."""
        self._network = network
        self._address = address
        self._open = True
        self._owner: Owner | None = None

    def start(self, head: bytes, start: Start, *, writable: bool = True) -> None:
        """Take the transport over, answer with *head* and make the owner.

        *writable* is what the transport told the former protocol last.
        """
        transport, limits = self._transport, self._network.limits
        self.writable = writable
        # In this order: new limits may pause whoever is the protocol.
        transport.set_protocol(self)
        transport.set_write_buffer_limits(high=limits.high_water, low=limits.low_water)
        # A request with a body leaves reading paused, and then nobody would see the connection close.
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
            # The kernel took at once what seemed too much.
            owner.resume()

    # What the owner and the hub call.

    def write(self, data: bytes, /) -> None:
        if not self._open:
            return
        if self._queued and not self._is_level():
            self._transport.write(data)
            return
        try:
            sent = self._socket.send(data)  # type: ignore[union-attr]  # without one nothing is ever level
        except OSError:
            # It takes nothing now, or is gone: the transport finds out which.
            sent = 0
        if sent < len(data):
            self._queued = True
            # No copy: who is behind shares the bytes with all others.
            self._transport.write(memoryview(data)[sent:])

    def _is_level(self) -> bool:
        self._queued = self._socket is None or self._transport.get_write_buffer_size() > 0
        return not self._queued

    @abstractmethod
    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:
        """Write *farewell*, and end the connection when all is written."""

    def abort(self) -> None:
        self._end()
        self._transport.abort()

    # What the network calls.

    @abstractmethod
    def ping(self) -> None:
        """Find out whether the peer is still there."""

    def waiting(self) -> int:
        return self._transport.get_write_buffer_size()

    # What the transport calls.

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
        if self._socket is not None:
            # The transport closes the descriptor after this call; then it may be another connection's.
            self._socket.detach()
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


class SseOutlet(DirectOutlet):
    """An event stream, delimited by the end of the connection."""

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
        """Nothing: a stream has no answer. Its heartbeats are written by the hub, and the kernel gives up a dead peer."""

    def data_received(self, data: bytes) -> None:
        """Drop it: after this answer the connection closes, so nothing that follows the request can be one."""


class WebSocketOutlet(DirectOutlet):
    """A WebSocket after its handshake."""

    __slots__ = ("_answered", "_parser", "_pong")

    def __init__(self, transport: asyncio.Transport, wire: Wire, network: Network, address: str | None) -> None:
        super().__init__(transport, wire, network, address)
        self._answered = True
        # Made on the first byte of a message and dropped after its last.
        self._parser: FrameParser | None = None
        self._pong: bytes | None = None

    def start(self, head: bytes, start: Start, *, writable: bool = True) -> None:
        self._network.add_websocket(self)
        super().start(head, start, writable=writable)

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:
        """Say so, and give the peer time to answer (RFC 6455, 7.1.1: the server closes the connection)."""
        if self._open:
            self.write(farewell + close_frame(code, reason))
            self._end()
            self._network.closing(self)

    def ping(self) -> None:
        # Behind a buffer that is stuck the peer has not even seen the last ping; the write timeout looks after it.
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
        # RFC 6455, 5.5.3: of several pings only the last needs an answer. A flood of them fills no buffer this way.
        if self.writable:
            self.write(pong_frame(payload))
        else:
            self._pong = payload

    def _closed_by_peer(self, close: Close, *, faulty: bool) -> None:
        if self._open:
            self.write(close_frame(close.code, close.reason if faulty else ""))
            self._end()
        if faulty and self._transport.can_write_eof():
            # To close while the peer still sends would reset the connection, and the reset overtakes our Close frame.
            self._transport.write_eof()
            self._network.closing(self)
        else:
            self._transport.close()
            self._network.closing(self)
