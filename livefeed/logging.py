"""Logging with structlog, including the records of libraries.

JSON lines, or coloured text on a terminal. The server logs no secrets; because a library might quote a request, credentials
are also masked in the output.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from contextlib import nullcontext
from functools import partial
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from livefeed.counters import Counters

__all__ = ["configure"]

_CREDENTIALS = (
    re.compile(r"(?i)((?:authorization|cookie):\s*)[^\r\n]+"),
    re.compile(r"(?i)(bearer\s+|(?:ticket|token|key)=)[^\s&\"',;]+"),
    re.compile(r"(?i)(rediss?(?:\+\w+)?://[^\s/@:]*:)[^\s/@]+(?=@)"),
)


_SUSPICIOUS = re.compile(r"[:=\s]")
"""Every credential above contains one of these. Most values, such as names and ids, contain none: testing for them first
saves a third of the cost of a line."""


class _Handler(logging.StreamHandler[TextIO]):
    """Writes the records of libraries."""

    def __init__(self, stream: TextIO, counters: Counters) -> None:
        super().__init__(stream)
        self.counters = counters

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # as the base class has it
        self.counters.log_lines_lost += 1
        super().handleError(record)


class _Output:
    """Writes lines between those of the handler, and like it never fails: a reader of the log that is gone must not stop
    what is logged. Passing each line through a `LogRecord` instead would double its cost."""

    def __init__(self, handler: _Handler, name: str | None = None) -> None:
        self._handler = handler
        self.name = name

    def write(self, line: str) -> None:
        stream = self._handler.stream
        try:
            with self._handler.lock or nullcontext():
                stream.write(line + "\n")
                stream.flush()
        except (OSError, ValueError):
            self._handler.counters.log_lines_lost += 1

    debug = info = warning = error = critical = write


def _mask(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Mask everything that looks like a credential in messages, values and tracebacks."""
    for name, value in event.items():
        if isinstance(value, str) and _SUSPICIOUS.search(value):
            for pattern in _CREDENTIALS:
                value = pattern.sub(r"\1…", value)
            event[name] = value
    return event


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # A lone surrogate, which orjson refuses.
        return json.dumps(event, default=str)


def configure(
    level: str,
    form: Literal["auto", "json", "console"],
    stream: TextIO | None = None,
    counters: Counters | None = None,
    **context: Any,
) -> None:
    """Send every record to *stream* (stderr); *context*, such as the worker's number, is added to each of them."""
    stream = stream or sys.stderr
    console = form == "console" or (form == "auto" and stream.isatty())
    shared: list[Processor] = [
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _mask,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _, __, event: {**context, **event},
    ]
    renderer: Processor = structlog.dev.ConsoleRenderer(colors=stream.isatty()) if console else _as_json
    handler = _Handler(stream, counters or Counters())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(allow=()), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # uvicorn logs each connection at INFO; show that only at debug level.
    for chatty in ("uvicorn.error", "uvicorn.access", "asyncio", "httpx2", "httpcore2"):
        logging.getLogger(chatty).setLevel(logging.WARNING if level != "debug" else logging.DEBUG)
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=partial(_Output, handler),
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        cache_logger_on_first_use=False,
    )
