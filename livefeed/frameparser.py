"""A parser for what a WebSocket client sends after the handshake (RFC 6455).

It does no I/O, and keeps state only within a frame or a fragmented message: an idle connection needs no parser.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable
from typing import NamedTuple

from livefeed.frames import BINARY, CLOSE, CONTINUATION, FIN, NO_STATUS, PING, PONG, RSV1, TEXT

__all__ = ["Close", "FrameParser", "Ping", "Pong", "Received"]

MAX_MESSAGE = 64 * 1024
MAX_FRAMES = 1_000
"""Frames accepted in one chunk of input: 256 KiB of tiny frames would block the event loop for half a second."""

MAX_FRAGMENTS = 128
"""Fragments of one message, which is short: a client that sends a frame for each byte would cost a hundred times as much."""

_MASKED = 0x80

PROTOCOL_ERROR = 1002
INVALID_DATA = 1007
POLICY = 1008
TOO_BIG = 1009

# RFC 6455, 7.4: the codes allowed in a Close frame; 1004 is reserved, 1005, 1006 and 1015 never appear on the wire.
_CLOSE_CODES = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})


class Ping(NamedTuple):
    payload: bytes


class Pong(NamedTuple):
    payload: bytes


class Close(NamedTuple):
    """The client closed the connection or violated the protocol: respond with a Close frame with this code."""

    code: int
    reason: str


Inflate = Callable[[bytes, int], bytes]

Received = str | bytes | Ping | Pong | Close
"""A text message, a binary message or a control frame."""


class _Fault(Exception):
    def __init__(self, code: int, reason: str) -> None:
        self.close = Close(code, reason)


class FrameParser:
    """Turns the bytes that a client sends into messages and control frames.

    *inflate* is set if compression was negotiated: it takes a message and the maximum size of its result.
    A protocol violation is returned as a final `Close` with code and reason; all further input is ignored.
    """

    __slots__ = (
        "_buffer",
        "_closed",
        "_compressed",
        "_decoder",
        "_faulty",
        "_fragments",
        "_inflate",
        "_message",
        "_opcode",
        "_size",
        "_text",
    )

    def __init__(self, *, inflate: Inflate | None = None) -> None:
        self._inflate = inflate
        self._buffer = bytearray()
        self._closed = self._faulty = False
        # The message whose last fragment has not arrived; the opcode is 0 between messages.
        self._opcode = 0
        self._size = self._fragments = 0
        self._compressed = False
        self._message = bytearray()
        self._text: list[str] = []
        self._decoder: codecs.IncrementalDecoder | None = None

    @property
    def faulty(self) -> bool:
        """Whether the client violated the protocol, so that the rest of its input is meaningless."""
        return self._faulty

    @property
    def idle(self) -> bool:
        """Whether there is no state, so that a new parser can take over."""
        return not (self._buffer or self._opcode or self._closed)

    def receive(self, data: bytes) -> list[Received]:
        received: list[Received] = []
        if self._closed:
            return received
        self._buffer += data
        position = frames = 0
        try:
            while (frame := self._next_frame(position)) is not None:
                frames += 1
                if frames > MAX_FRAMES:
                    raise _Fault(POLICY, "too many frames at once")
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
        """First byte, unmasked payload and end of the frame at *start*; None while it is incomplete."""
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
        # Checked against the announced length, before anything of that size is buffered.
        if not head & 0x08 and self._size + size > MAX_MESSAGE:
            raise _Fault(TOO_BIG, f"a message is limited to {MAX_MESSAGE} bytes")
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
        # RFC 7692, 6.1: only the first frame of a compressed message has the bit set.
        allowed = RSV1 if self._inflate is not None and opcode in (TEXT, BINARY) else 0
        if head & 0x70 & ~allowed:
            raise _Fault(PROTOCOL_ERROR, "reserved bits must be 0")
        if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise _Fault(PROTOCOL_ERROR, f"opcode {opcode} is not defined")
        if opcode >= CLOSE:
            if not head & FIN:
                raise _Fault(PROTOCOL_ERROR, "a control frame must not be fragmented")
            if size > 125:
                raise _Fault(PROTOCOL_ERROR, "a control frame is limited to 125 bytes")
        elif (opcode == CONTINUATION) != bool(self._opcode):
            raise _Fault(PROTOCOL_ERROR, "a fragment is out of place")

    def _control(self, head: int, payload: bytes) -> Received:
        opcode = head & 0x0F
        if opcode == PING:
            return Ping(payload)
        if opcode == PONG:
            return Pong(payload)
        self._closed = True
        if not payload:
            return Close(NO_STATUS, "")
        if len(payload) == 1:
            raise _Fault(PROTOCOL_ERROR, "a Close frame's code has two bytes")
        (code,) = struct.unpack_from("!H", payload)
        if code not in _CLOSE_CODES:
            raise _Fault(PROTOCOL_ERROR, f"{code} must not be used in a Close frame")
        try:
            return Close(code, payload[2:].decode())
        except UnicodeDecodeError:
            raise _Fault(INVALID_DATA, "a Close frame's reason must be UTF-8") from None

    def _fragment(self, head: int, payload: bytes) -> str | bytes | None:
        final = bool(head & FIN)
        if not self._opcode:
            self._compressed = bool(head & RSV1)
        opcode = self._opcode or head & 0x0F
        message: str | bytes | None
        if self._compressed:
            message = self._add_compressed(payload, opcode, final=final)
        elif opcode == TEXT:
            message = self._add_text(payload, final=final)
        else:
            message = self._add_bytes(payload, final=final)
        if final:
            self._opcode = self._size = self._fragments = 0
            return message
        self._opcode, self._size, self._fragments = opcode, self._size + len(payload), self._fragments + 1
        if self._fragments >= MAX_FRAGMENTS:
            raise _Fault(POLICY, f"a message is limited to {MAX_FRAGMENTS} fragments")
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
            message = self._inflate(whole, MAX_MESSAGE)
        except ValueError:
            raise _Fault(INVALID_DATA, "a compressed message must be deflate") from None
        if len(message) > MAX_MESSAGE:
            raise _Fault(TOO_BIG, f"a message is limited to {MAX_MESSAGE} bytes")
        return self._add_text(message, final=True) if opcode == TEXT else message

    def _add_text(self, payload: bytes, *, final: bool) -> str | None:
        # Decoded incrementally, so that invalid UTF-8 is reported at the fragment that contains it.
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
    # One XOR of two long integers is hundreds of times faster than a loop over bytes.
    size = len(payload)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")).to_bytes(size, "little")
