"""An event stream parser that owes nothing to ours: WHATWG HTML, "Interpreting an event stream", word for word."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Dispatched", "interpret"]


@dataclass(frozen=True)
class Dispatched:
    """What a page's listener is called with."""

    type: str
    data: str
    last_event_id: str


@dataclass
class _Buffers:
    data: str = ""
    event_type: str = ""
    last_event_id: str = ""
    found: list[Dispatched] = field(default_factory=list)

    def dispatch(self) -> None:
        if self.data:
            data = self.data.removesuffix("\n")
            self.found.append(Dispatched(self.event_type or "message", data, self.last_event_id))
        self.data = self.event_type = ""

    def process(self, name: str, value: str) -> None:
        if name == "event":
            self.event_type = value
        elif name == "data":
            self.data += value + "\n"
        elif name == "id" and "\x00" not in value:
            self.last_event_id = value


def _lines(text: str) -> list[str]:
    """Each line that ends with CRLF, LF or CR; what follows the last end is no line yet."""
    lines, line, position = [], "", 0
    while position < len(text):
        letter = text[position]
        position += 1
        if letter not in "\r\n":
            line += letter
            continue
        if letter == "\r" and position < len(text) and text[position] == "\n":
            position += 1
        lines.append(line)
        line = ""
    return lines


def interpret(stream: bytes) -> list[Dispatched]:
    """The events of a whole stream."""
    buffers = _Buffers()
    for line in _lines(stream.decode("utf-8", "replace").removeprefix("\ufeff")):
        if line == "":
            buffers.dispatch()
        elif line.startswith(":"):
            continue
        elif ":" in line:
            name, _, value = line.partition(":")
            buffers.process(name, value.removeprefix(" "))
        else:
            buffers.process(line, "")
    return buffers.found
