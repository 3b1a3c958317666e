from __future__ import annotations

import pytest

from producers.text import cut, cut_bytes, plain


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<i>One</i> &amp; two", "One & two"),
        ("<p>One</p><p>two</p>three<br>four", "One two three four"),
        ("a<script>alert(1)</script>b", "ab"),
        ("<img src=x onerror=alert(1)>One", "One"),
        ("&lt;b&gt;", "<b>"),
        ("  One\n two ", "One two"),
    ],
)
def test_plain(markup: str, text: str) -> None:
    assert plain(markup) == text


def test_cut_ends_at_a_word() -> None:
    assert cut("One two three", 13) == "One two three"
    assert cut("One two three", 12) == "One two …"
    assert cut("x" * 20, 10) == "x" * 8 + " …"


@pytest.mark.parametrize("text", ["One two three four " * 9, "Навигация закрыта " * 9, "港口" * 50, "🚢" * 40])
@pytest.mark.parametrize("most", range(20, 60))
def test_cut_bytes_counts_bytes(text: str, most: int) -> None:
    short = cut_bytes(text, most)
    assert len(short.encode()) <= most
    assert short.endswith(" …")
    assert text.startswith(short.removesuffix(" …"))
