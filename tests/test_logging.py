from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from livefeed.counters import Counters
from livefeed.logging import configure


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # A uvicorn that another test ran with its own settings keeps its records to itself.
    for name in ("uvicorn", "uvicorn.error"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate, library.disabled = True, False
        library.setLevel(logging.NOTSET)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_when_nobody_watches() -> None:
    stream = io.StringIO()
    configure("info", "auto", stream, worker=1)
    structlog.get_logger("livefeed.test").info("tail restarted", feed="world")
    (line,) = lines(stream)
    assert {name: line[name] for name in ("event", "feed", "level", "logger", "worker")} == {
        "event": "tail restarted",
        "feed": "world",
        "level": "info",
        "logger": "livefeed.test",
        "worker": 1,
    }
    assert line["timestamp"].endswith("Z")


def test_text_for_a_person() -> None:
    stream = io.StringIO()
    configure("info", "console", stream)
    structlog.get_logger("livefeed.test").info("tail restarted", feed="world")
    assert "tail restarted" in stream.getvalue()
    assert "feed=world" in stream.getvalue()


def test_libraries_records_have_the_same_form() -> None:
    stream = io.StringIO()
    configure("info", "json", stream)
    logging.getLogger("uvicorn.error").warning("%s went away", "somebody")
    assert lines(stream)[0]["event"] == "somebody went away"


def test_exception_is_one_line() -> None:
    stream = io.StringIO()
    configure("info", "json", stream)
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger("livefeed.test").exception("it failed")
    (line,) = lines(stream)
    assert "ValueError: broken" in line["exception"]


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer CANARY",
        "GET /v1/ws?ticket=CANARY HTTP/1.1",
        "redis://user:CANARY@host:6379 went away",
        "cookie: CANARY",
        "?key=CANARY&x=1",
    ],
)
def test_credentials_are_masked(text: str) -> None:
    stream = io.StringIO()
    configure("info", "json", stream)
    structlog.get_logger("livefeed.test").info(text, value=text)
    logging.getLogger("uvicorn.error").warning(text)
    try:
        raise ValueError(text)
    except ValueError:
        structlog.get_logger("livefeed.test").exception("it failed")
    assert len(lines(stream)) == 3
    assert "CANARY" not in stream.getvalue()


def test_records_below_the_level_are_dropped() -> None:
    stream = io.StringIO()
    configure("warning", "json", stream)
    log = structlog.get_logger("livefeed.test")
    log.info("quiet")
    log.warning("%s is loud", "this")
    assert [line["event"] for line in lines(stream)] == ["this is loud"]


def test_a_lone_surrogate_is_logged() -> None:
    stream = io.StringIO()
    configure("info", "json", stream)
    structlog.get_logger("livefeed.test").info("odd", subject="a\ud800")
    assert lines(stream)[0]["subject"] == "a\ud800"


def test_a_log_that_nobody_reads_any_more_stops_nothing() -> None:
    stream, counters = io.StringIO(), Counters()
    configure("info", "json", stream, counters)
    stream.close()
    structlog.get_logger("livefeed.test").info("unheard")
    assert counters.log_lines_lost == 1
    logging.getLogger("uvicorn.error").warning("unheard, too")
    assert counters.log_lines_lost == 2


def test_each_line_is_written_at_once() -> None:
    reader, writer = os.pipe()
    with open(reader) as heard, open(writer, "w") as stream:
        configure("info", "json", stream)
        structlog.get_logger("livefeed.test").info("first")
        assert json.loads(heard.readline())["event"] == "first"
