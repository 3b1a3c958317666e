"""JSON from outside: whatever comes is parsed or refused by name, and nothing is an accident."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.exceptions import BadRequest, TooLarge
from livefeed.jsondoor import load_json


def test_json_is_parsed() -> None:
    assert load_json(b'{"a": [1, 2.5, null, "\xc3\xa9"], "b": {"a": 1}}', limit=100) == {"a": [1, 2.5, None, "é"], "b": {"a": 1}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b"1e999",
        b"9" * 5000,
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
        b"[" * 100_000,
        b'"\\ud800"',
        b'"\xff"',
        '{"a":1}'.encode("utf-16"),
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":1,"a":1}',
        b'[{"x":{"a":1,"\\u0061":2}}]',
        b"{'a':1}",
        b'{"a":1}{"b":2}',
    ],
)
def test_what_is_not_plain_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        load_json(body, limit=1_000_000, what="the item")
    assert type(caught.value) is BadRequest
    assert str(caught.value).startswith("the item ")
    assert len(str(caught.value)) < 250


def test_size_is_counted_before_anything_is_parsed() -> None:
    with pytest.raises(TooLarge, match=r"the item has 11 bytes: 10 are allowed"):
        load_json(b"[" * 11, limit=10, what="the item")


@given(st.binary(max_size=200))
def test_any_bytes_have_an_answer(body: bytes) -> None:
    with contextlib.suppress(BadRequest, TooLarge):
        load_json(body, limit=100)
