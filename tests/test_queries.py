"""Query parameters: the known ones are read, everything else is an error that names it."""

from __future__ import annotations

import pytest

from livefeed.exceptions import BadRequest
from livefeed.filters import Filter
from livefeed.queries import Query

KNOWN = ("limit", "before", "tag", "urgency")


def test_what_is_known_is_read() -> None:
    query = Query(b"limit=20&tag=Stra%C3%9Fe&tag=a+b&urgency=2&before=", KNOWN)
    assert query.integer("limit", 1, 200) == 20
    assert query.one("before") == ""
    assert query.only() == Filter(frozenset({"strasse", "a b"}), 2)
    assert "tag" in query
    assert Query(b"", KNOWN).only() == Filter.ALL
    assert Query(b"", KNOWN).integer("limit", 1, 200) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"tags=a", r"'tags' is not a parameter here: did you mean 'tag'\?"),
        (b"xyz=1", "'xyz' is not a parameter here: known are limit, before, tag, urgency"),
        (b"limit=1&limit=2", "the parameter 'limit' is given twice"),
        (b"tag=%ff", "not percent-encoded UTF-8"),
        (b"tag=\xff", "not percent-encoded UTF-8"),
        (b"&".join([b"tag=a"] * 201), "more than 200 parameters"),
        (b"&".join([b"tag=a"] * 21), "21 tags are given: at most 20"),
        (b"tag=", "has 0 characters: 1 to 64 are allowed"),
        (b"tag=" + b"x" * 65, "has 65 characters"),
        (b"urgency=10", "urgency='10' is not a whole number from 1 to 9"),
        (b"urgency=1_0", "is not a whole number"),
        (b"urgency=%EF%BC%91", "is not a whole number"),
        (b"urgency=", "is not a whole number"),
    ],
)
def test_everything_else_is_named(text: bytes, told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        Query(text, KNOWN).only()


def test_a_choice_names_what_there_is() -> None:
    assert Query(b"before=a", KNOWN).choice("before", ("a", "b")) == "a"
    with pytest.raises(BadRequest, match="before='c' is not one of a, b"):
        Query(b"before=c", KNOWN).choice("before", ("a", "b"))
    with pytest.raises(BadRequest, match="none is known"):
        Query(b"a=1", ())
