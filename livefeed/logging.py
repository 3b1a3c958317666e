"""Logging with structlog, including the records of libraries.

JSON lines, or coloured text on a terminal. The server logs no secrets; because a library might quote a request, credentials
are also masked in the output.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = ["configure"]

_CREDENTIALS = (
    re.compile(r"(?i)((?:authorization|cookie):\s*)[^\r\n]+"),
    re.compile(r"(?i)(bearer\s+|(?:ticket|token|key)=)[^\s&\"',;]+"),
    re.compile(r"(?i)(rediss?(?:\+\w+)?://[^\s/@:]*:)[^\s/@]+(?=@)"),
)


def _mask(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Mask everything that looks like a credential in messages, values and tracebacks."""
    for name, value in event.items():
        if isinstance(value, str):
            for pattern in _CREDENTIALS:
                value = pattern.sub(r"\1…", value)
            event[name] = value
    return event


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def configure(level: str, form: Literal["auto", "json", "console"], stream: TextIO | None = None, **context: Any) -> None:
    """Send every record to *stream* (stderr); *context*, such as the worker's number, is added to each of them."""
    stream = stream or sys.stderr
    console = form == "console" or (form == "auto" and stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _, __, event: {**context, **event},
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _mask,
    ]
    renderer: Processor = structlog.dev.ConsoleRenderer(colors=stream.isatty()) if console else _as_json
    handler = logging.StreamHandler(stream)
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
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
