"""Conditional requests: nothing is sent twice, and nothing new is kept from anybody."""

from __future__ import annotations

import pytest

from livefeed.api.conditions import is_settled, is_unchanged, last_modified

NOON = 1_795_435_200_000
"""2026-11-23T12:00:00Z in ms."""
TIME = "Mon, 23 Nov 2026 12:00:01 GMT"


@pytest.mark.parametrize(
    ("headers", "unchanged"),
    [
        ({}, False),
        ({"if-none-match": '"a"'}, True),
        ({"if-none-match": 'W/"a"'}, True),
        ({"if-none-match": '"x", W/"a" ,"y"'}, True),
        ({"if-none-match": '"x,a"'}, False),
        ({"if-none-match": "a"}, False),
        ({"if-none-match": " * "}, True),
        ({"if-none-match": ""}, False),
        ({"if-modified-since": TIME}, True),
        ({"if-modified-since": "Monday, 23-Nov-26 12:00:01 GMT"}, True),
        ({"if-modified-since": "Mon, 23 Nov 2026 12:00:00 GMT"}, False),
        ({"if-modified-since": "Mon, 23 Nov 2026 12:00:02 GMT"}, True),
        ({"if-modified-since": "yesterday"}, False),
        ({"if-modified-since": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, False),
        ({"if-modified-since": "Mon, 01 Jan 2024 00:00:00 +99999999999999"}, False),
        ({"if-none-match": '"x"', "if-modified-since": TIME}, False),
    ],
    ids=str,
)
def test_unchanged(headers: dict[str, str], unchanged: bool) -> None:
    assert is_unchanged(headers, '"a"', TIME) is unchanged


@pytest.mark.parametrize("tag", ['"a"', 'W/"a"'])
def test_a_weak_tag_is_compared_like_a_strong_one(tag: str) -> None:
    assert is_unchanged({"if-none-match": tag}, 'W/"a"')
    assert not is_unchanged({"if-none-match": tag}, 'W/"b"')


def test_time_is_not_compared_where_none_is_told() -> None:
    assert not is_unchanged({"if-modified-since": TIME}, '"a"')


@pytest.mark.parametrize("changed", [NOON, NOON + 1, NOON + 999])
def test_a_change_is_settled_when_its_second_is_over(changed: int) -> None:
    assert not is_settled(changed, NOON + 999)
    assert is_settled(changed, NOON + 1000)
    assert last_modified(changed, settled=True) == TIME


def test_two_changes_in_one_second_never_look_like_one() -> None:
    """Whoever read between them was told a time that no settled document of this or a later second has."""
    told_between = last_modified(NOON + 100, settled=False)

    assert last_modified(NOON + 900, settled=True) == TIME
    assert not is_unchanged({"if-modified-since": told_between}, '"a"', TIME)
