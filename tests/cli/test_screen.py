from __future__ import annotations

from datetime import UTC
from typing import Any

import click
import pytest

from livefeed.cli.screen import Screen
from livefeed.cli.tail import _tell_lost
from livefeed.client import FeedEvent


def event(kind: str, **data: Any) -> FeedEvent:
    return FeedEvent(type=f"live.{kind}", feed="world", cursor="1-1", time="", subject="", data=data, json="{}")


def item(**fields: Any) -> dict[str, Any]:
    return {
        "id": "a",
        "uri": "urn:x:a",
        "version": 1,
        "pubStatus": "usable",
        "contentCreated": "2026-11-23T12:00:00.000Z",
        **fields,
    }


def shown(screen: Screen, *events: FeedEvent) -> list[str]:
    return [click.unstyle(line) for each in events for line in screen.lines(each)]


def test_a_line_says_time_urgency_headline_and_tags() -> None:
    lines = shown(Screen(UTC), event("item.published", **item(headline="One.", urgency=3, tags=["Port", "Sea ice"])))
    assert lines == ["--- Monday 23 November 2026 (UTC) ---", "12:00:00  URGENT  One.  #Port  #Sea ice"]


def test_each_day_has_a_line() -> None:
    screen = Screen(UTC)
    lines = shown(
        screen,
        event("item.published", **item(headline="One.")),
        event("item.published", **item(headline="Two.", contentCreated="2026-11-24T00:00:00Z")),
        event("item.published", **item(headline="Three.", contentCreated="2026-11-24T00:00:01Z")),
    )
    assert [line for line in lines if line.startswith("---")] == [
        "--- Monday 23 November 2026 (UTC) ---",
        "--- Tuesday 24 November 2026 (UTC) ---",
    ]


def test_what_happens_to_an_item_is_told_with_its_headline() -> None:
    screen = Screen(UTC)
    gone = {"pubStatus": "withheld", "reason": "Lawyers look."}
    lines = shown(
        screen,
        event("item.published", **item(headline="One.")),
        event("item.corrected", **item(headline="Two.", correction="It was two.")),
        event("item.withheld", **item(**gone)),
        event("item.released", **item(headline="Two.")),
        event("item.canceled", **item(pubStatus="canceled")),
        event("item.canceled", **{**item(pubStatus="canceled"), "id": "never seen"}),
    )
    assert lines[2:] == [
        "12:00:00  CORRECTED  Two.  (It was two.)",
        "12:00:00  WITHHELD  Two.  (Lawyers look.)",
        "12:00:00  released  Two.",
        "12:00:00  KILLED  Two.",
        "12:00:00  KILLED  urn:x:a",
    ]


def test_snapshots_grow_downwards() -> None:
    items = [item(headline="New."), item(headline="Old.")]
    assert [line[10:] for line in shown(Screen(UTC), event("stream.snapshot", items=items))[1:]] == ["Old.", "New."]


def test_gaps_are_told() -> None:
    missed = {"first": 3, "last": 1002}
    told = shown(
        Screen(UTC), event("stream.reset", reason="trimmed", missed=missed, items=[]), event("stream.reset", reason="lost")
    )
    assert told == [
        "--- 1,000 events were missed (trimmed); the newest items are ---",
        "--- events were missed (lost); the newest items are ---",
    ]


def test_the_state_of_the_feed_is_told() -> None:
    told = shown(Screen(UTC), event("stream.stale"), event("stream.fresh"), event("feed.closed"))
    assert told[0].startswith("--- the server cannot read the feed")
    assert told[1:] == ["--- the server can read the feed again ---", "--- the feed is closed ---"]


def test_text_cannot_steer_the_terminal() -> None:
    hostile = "One\x1b]0;title\x07\x1b[2J\r\nTwo\u202e\x9b31m."
    (_, line) = shown(Screen(UTC), event("item.published", **item(headline=hostile, tags=["\x1b[31m"])))
    assert line == "12:00:00  One]0;title[2J Two31m.  #[31m"


def test_memory_is_bounded() -> None:
    screen = Screen(UTC)
    for number in range(1_100):
        screen.lines(event("item.published", **{**item(headline="One."), "id": str(number)}))
    lines = shown(screen, event("item.canceled", **{**item(), "id": "0"}), event("item.canceled", **{**item(), "id": "1099"}))
    assert [line[10:] for line in lines] == ["KILLED  urn:x:a", "KILLED  One."]


def test_an_unreadable_time_is_no_reason_to_stop() -> None:
    assert shown(Screen(UTC), event("item.published", **item(headline="One.", contentCreated="?"))) == ["--:--:--  One."]


def test_what_a_server_says_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _tell_lost("\x1b]0;title\x07away\u202e", 1.0)
    assert capsys.readouterr().err == "livefeed: ]0;titleaway; next attempt in 1.0 s\n"
