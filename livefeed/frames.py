"""WebSocket frames (RFC 6455): the wire, and a parser for what a client sends after the handshake.

Neither half does I/O. The parser keeps state only inside a frame or a fragmented message: a quiet connection needs none.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from livefeed.cursors import Cursor
from livefeed.events import Event
from livefeed.wires import stream_event

__all__ = [
    "FRAMES",
    "Close",
    "FrameParser",
    "Ping",
    "Pong",
    "Received",
    "TextFrames",
    "close_frame",
    "ping_frame",
    "pong_frame",
    "text_frame",
    "unframe",
]

MAX_MESSAGE = 64 * 1024

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_FIN, _RSV1, _MASKED = 0x80, 0x40, 0x80

PROTOCOL_ERROR = 1002
NO_STATUS = 1005
INVALID_DATA = 1007
TOO_BIG = 1009

# RFC 6455, 7.4: these may stand in a Close frame; 1004 is reserved, 1005, 1006 and 1015 never go on the wire.
_CLOSE_CODES = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})


def _frame(head: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return b"%c%c%b" % (head, size, payload)
    if size < 65536:
        return struct.pack("!BBH", head, 126, size) + payload
    return struct.pack("!BBQ", head, 127, size) + payload


def text_frame(payload: bytes, *, compressed: bool = False) -> bytes:
    """One whole message; *payload* is UTF-8, or its deflated form on a connection that negotiated this."""
    return _frame(_FIN | _RSV1 | _TEXT if compressed else _FIN | _TEXT, payload)


def ping_frame(payload: bytes = b"") -> bytes:
    return _frame(_FIN | _PING, payload)


def pong_frame(payload: bytes = b"") -> bytes:
    return _frame(_FIN | _PONG, payload)


def close_frame(code: int, reason: str = "") -> bytes:
    """A Close frame; a *reason* that does not fit is cut between characters."""
    if code == NO_STATUS:
        return _frame(_FIN | _CLOSE, b"")
    # RFC 6455, 5.5: a control frame carries 125 bytes at most, two of them are the code.
    text = reason.encode()[:123].decode(errors="ignore").encode()
    return _frame(_FIN | _CLOSE, struct.pack("!H", code) + text)


def unframe(frames: bytes) -> Iterator[bytes]:
    """The payloads of whole unmasked frames: for servers that frame messages themselves."""
    position = 0
    while position < len(frames):
        size = frames[position + 1]
        position += 2
        if size == 126:
            (size,) = struct.unpack_from("!H", frames, position)
            position += 2
        elif size == 127:
            (size,) = struct.unpack_from("!Q", frames, position)
            position += 8
        yield frames[position : position + size]
        position += size


class TextFrames:
    """The WebSocket wire: one unmasked text frame an event."""

    name = "websocket"

    def event(self, event: Event, /) -> bytes:
        if event.frame is None:
            event.frame = text_frame(event.json)
        return event.frame

    def control(self, feed: str, name: str, data: Mapping[str, Any] | bytes, cursor: Cursor | None = None, *, now: int) -> bytes:
        return text_frame(stream_event(feed, name, data, cursor, now=now))


FRAMES = TextFrames()


class Ping(NamedTuple):
    payload: bytes


class Pong(NamedTuple):
    payload: bytes


class Close(NamedTuple):
    """The connection is over, by the client's Close frame or by its fault: answer with a Close frame of this code."""

    code: int
    reason: str


Inflate = Callable[[bytes, int], bytes]

Received = str | bytes | Ping | Pong | Close
"""What a client sent: a text or binary message, or one of the control frames."""


class _Fault(Exception):
    def __init__(self, code: int, reason: str) -> None:
        self.close = Close(code, reason)


class FrameParser:
    """Turns the bytes that a client sends into messages and control frames.

    *inflate* is for a connection that negotiated compression: it takes a message and the most bytes that it may give.
    A fault of the client ends the list with a `Close` that tells it so; everything after that is ignored.
    """

    __slots__ = (
        "_buffer",
        "_closed",
        "_compressed",
        "_decoder",
        "_faulty",
        "_inflate",
        "_message",
        "_opcode",
        "_size",
        "_text",
        "max_size",
    )

    def __init__(self, max_size: int = MAX_MESSAGE, *, inflate: Inflate | None = None) -> None:
        self.max_size = max_size
        self._inflate = inflate
        self._buffer = bytearray()
        self._closed = self._faulty = False
        # The message of which the last fragment is still to come; its opcode is 0 between messages.
        self._opcode = 0
        self._size = 0
        self._compressed = False
        self._message = bytearray()
        self._text: list[str] = []
        self._decoder: codecs.IncrementalDecoder | None = None

    @property
    def faulty(self) -> bool:
        """Whether the client broke the protocol, and the rest of its bytes means nothing."""
        return self._faulty

    @property
    def idle(self) -> bool:
        """Whether nothing is kept, so that a new parser could go on in this one's place."""
        return not (self._buffer or self._opcode or self._closed)

    def receive(self, data: bytes) -> list[Received]:
        received: list[Received] = []
        if self._closed:
            return received
        self._buffer += data
        position = 0
        try:
            while (frame := self._next_frame(position)) is not None:
                head, payload, position = frame
                event = self._control(head, payload) if head & 0x08 else self._fragment(head, payload)
                if event is not None:
                    received.append(event)
                if self._closed:
                    break
            del self._buffer[:position]
        except _Fault as fault:
            self._closed = self._faulty = True
            received.append(fault.close)
        return received

    def _next_frame(self, start: int) -> tuple[int, bytes, int] | None:
        """First byte, unmasked payload and end of the frame at *start*; `None` while it is not all there."""
        data = self._buffer
        available = len(data) - start
        if available < 2:
            return None
        head, size = data[start], data[start + 1]
        self._check_head(head, masked=size >= _MASKED, size=size & 0x7F)
        size &= 0x7F
        position = start + 2
        if size == 126:
            if available < 4:
                return None
            (size,) = struct.unpack_from("!H", data, position)
            position += 2
            self._check_length(size, 126)
        elif size == 127:
            if available < 10:
                return None
            (size,) = struct.unpack_from("!Q", data, position)
            position += 8
            self._check_length(size, 1 << 16)
        # Decided by the announced length, before anything of that size has been kept.
        if not head & 0x08 and self._size + size > self.max_size:
            raise _Fault(TOO_BIG, f"a message is limited to {self.max_size} bytes")
        end = position + 4 + size
        if len(data) < end:
            return None
        return head, _unmask(data[position + 4 : end], data[position : position + 4]), end

    @staticmethod
    def _check_length(size: int, least: int) -> None:
        # 5.2: "the minimal number of bytes MUST be used to encode the length".
        if size < least:
            raise _Fault(PROTOCOL_ERROR, "a length must be written in as few bytes as it needs")

    def _check_head(self, head: int, *, masked: bool, size: int) -> None:
        opcode = head & 0x0F
        if not masked:
            raise _Fault(PROTOCOL_ERROR, "a client's frames must be masked")
        # RFC 7692, 6.1: only the first frame of a message says that it is compressed.
        allowed = _RSV1 if self._inflate is not None and opcode in (_TEXT, _BINARY) else 0
        if head & 0x70 & ~allowed:
            raise _Fault(PROTOCOL_ERROR, "reserved bits must be 0")
        if opcode not in (_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG):
            raise _Fault(PROTOCOL_ERROR, f"opcode {opcode} is not defined")
        if opcode >= _CLOSE:
            if not head & _FIN:
                raise _Fault(PROTOCOL_ERROR, "a control frame must not be fragmented")
            if size > 125:
                raise _Fault(PROTOCOL_ERROR, "a control frame is limited to 125 bytes")
        elif (opcode == _CONTINUATION) != bool(self._opcode):
            raise _Fault(PROTOCOL_ERROR, "a fragment is out of place")

    def _control(self, head: int, payload: bytes) -> Received:
        opcode = head & 0x0F
        if opcode == _PING:
            return Ping(payload)
        if opcode == _PONG:
            return Pong(payload)
        self._closed = True
        if not payload:
            return Close(NO_STATUS, "")
        if len(payload) == 1:
            raise _Fault(PROTOCOL_ERROR, "a Close frame's code has two bytes")
        (code,) = struct.unpack_from("!H", payload)
        if code not in _CLOSE_CODES:
            raise _Fault(PROTOCOL_ERROR, f"{code} must not stand in a Close frame")
        try:
            return Close(code, payload[2:].decode())
        except UnicodeDecodeError:
            raise _Fault(INVALID_DATA, "a Close frame's reason must be UTF-8") from None

    def _fragment(self, head: int, payload: bytes) -> str | bytes | None:
        final = bool(head & _FIN)
        if not self._opcode:
            self._compressed = bool(head & _RSV1)
        opcode = self._opcode or head & 0x0F
        message: str | bytes | None
        if self._compressed:
            message = self._add_compressed(payload, opcode, final=final)
        elif opcode == _TEXT:
            message = self._add_text(payload, final=final)
        else:
            message = self._add_bytes(payload, final=final)
        self._opcode, self._size = (0, 0) if final else (opcode, self._size + len(payload))
        return message

    def _add_bytes(self, payload: bytes, *, final: bool) -> bytes | None:
        self._message += payload
        if not final:
            return None
        message = bytes(self._message)
        self._message.clear()
        return message

    def _add_compressed(self, payload: bytes, opcode: int, *, final: bool) -> str | bytes | None:
        whole = self._add_bytes(payload, final=final)
        if whole is None or self._inflate is None:
            return None
        try:
            message = self._inflate(whole, self.max_size)
        except ValueError:
            raise _Fault(INVALID_DATA, "a compressed message must be deflate") from None
        if len(message) > self.max_size:
            raise _Fault(TOO_BIG, f"a message is limited to {self.max_size} bytes")
        return self._add_text(message, final=True) if opcode == _TEXT else message

    def _add_text(self, payload: bytes, *, final: bool) -> str | None:
        # Decoded as it comes, so that a fault is told at the fragment that has it.
        try:
            if self._decoder is None:
                if final:
                    return payload.decode()
                self._decoder = codecs.getincrementaldecoder("utf-8")()
            text = self._decoder.decode(payload, final)
        except UnicodeDecodeError:
            raise _Fault(INVALID_DATA, "a text message must be UTF-8") from None
        if text:
            self._text.append(text)
        if not final:
            return None
        message = "".join(self._text)
        self._text.clear()
        self._decoder = None
        return message


def _unmask(payload: bytearray, mask: bytearray) -> bytes:
    # One operation on two long integers: per byte it is hundreds of times faster than a loop.
    size = len(payload)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")).to_bytes(size, "little")
