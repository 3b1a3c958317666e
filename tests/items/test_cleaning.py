"""Markup and text from outside: what could harm or mislead is gone, and what is left stays as it is."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.items.cleaning import _BREAKS, _UNSEEN, LINK_SCHEMES, Unclean, clean_html, clean_line, clean_text, has_text

VECTORS = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><desc><![CDATA[</desc><script>alert(1)</script>]]></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='java\u202escript:alert(1)'>x</a>",
    "<a href=' &#x6A;avascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt&colon;alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='//evil.example'>x</a>",
    "<a href='/relative'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action=javascript:alert(1)><input type=submit>",
    "<p style='background:url(javascript:alert(1))' onclick='x()' class=big id=top>x</p>",
    "<body onload=alert(1)><base href='https://evil.example/'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<object data='data:text/html;base64,PHNjcmlwdD4='></object>",
    "<p>\u0338script>alert(1)</p>",
    "<p>a&#x202e;b&#0;c\u2066d</p>",
]

UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")


class Reader(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize("vector", VECTORS)
def test_nothing_that_acts_is_left(vector: str) -> None:
    html = clean_html(f"<p>before</p>{vector}<p>after</p>")
    seen = Reader(html)
    assert not seen.tags & {
        "script",
        "style",
        "img",
        "svg",
        "math",
        "iframe",
        "form",
        "input",
        "base",
        "meta",
        "object",
        "template",
    }
    for name, value in seen.attributes:
        assert name in {"href", "rel", "title", "lang", "dir"}
        assert name != "href" or value.split(":")[0].lower() in LINK_SCHEMES
    assert not UNSEEN.search(html)
    assert clean_html(html) == html


TRACKERS = [
    '<img src="http://tracker.example/pixel.gif">',
    '<img srcset="https://tracker.example/a.png 2x">',
    '<picture><source srcset="//tracker.example/a.png"></picture>',
    '<video poster="https://tracker.example/a.png" src="https://tracker.example/a.mp4"></video>',
    '<audio src="https://tracker.example/a.mp3"></audio>',
    '<link rel="prefetch" href="https://tracker.example/">',
    '<p style="background: url(https://tracker.example/a.png)">a</p>',
    '<table background="https://tracker.example/a.png"><tr><td>a</td></tr></table>',
    '<a href="https://a.example/" ping="https://tracker.example/">a</a>',
]


@pytest.mark.parametrize("markup", TRACKERS)
def test_a_body_makes_no_browser_fetch_anything(markup: str) -> None:
    assert "tracker.example" not in clean_html(f"<p>before</p>{markup}")


def test_what_news_is_written_with_stays() -> None:
    html = '<h2>Day 3</h2><p>The <strong>mayor</strong> said: <q lang="fr">non</q>, see '
    html += '<a href="https://example.org/a?b=1&amp;c=2" rel="noopener noreferrer">more</a></p><ul><li>a</li></ul>'
    assert clean_html(html) == html


@given(st.text(max_size=60) | st.text(alphabet="<>/abp='\" \u0338\u202e&#x;:javscrit", max_size=60))
def test_clean_html_is_at_rest(text: str) -> None:
    try:
        html = clean_html(text)
    except Unclean:
        return
    assert clean_html(html) == html
    assert not UNSEEN.search(html)


def test_what_is_removed_from_text_is_not_printable() -> None:
    printable = "".join(filter(str.isprintable, map(chr, range(sys.maxunicode + 1))))
    assert not _UNSEEN.search(printable)
    assert not _BREAKS.search(printable)


@given(st.text(max_size=60) | st.text(alphabet="<>/ab!- \n\u0338\u202e", max_size=60))
def test_clean_text_is_at_rest(text: str) -> None:
    for clean in (clean_line, clean_text):
        once = clean(text)
        assert clean(once) == once
        assert not UNSEEN.search(once)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<b>Flash</b>: 5 < 6 &amp; 7 > 2", "Flash: 5 < 6 &amp; 7 > 2"),
        ("a\r\nb\tc\u2028d", "a b c d"),
        ("<script>alert(1)</script>Flash<!-- x -->", "Flash"),
        ("<<b>b>bold", "bold"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u202eabc\u2069", "abc"),
        ("\u00ab\u00a0Bonjour\u00a0\u00bb", "\u00ab\u00a0Bonjour\u00a0\u00bb"),
        ("\u05e9\u05dc\u05d5\u05dd\u200e!", "\u05e9\u05dc\u05d5\u05dd\u200e!"),
    ],
)
def test_titles_are_plain_text_of_one_line(given: str, kept: str) -> None:
    assert clean_line(given) == kept


@pytest.mark.timeout(10)
@pytest.mark.parametrize("opening", ["<script", "<style ", "<script></style>", "<!--", "</script ", "<a"])
def test_titles_made_to_be_slow_are_not(opening: str) -> None:
    """Half of them opens what has no end, the other half is markup again each time that its inner one is removed."""
    nested = 800
    text = opening * (2_600 // len(opening)) + "<" * nested + "b>" * nested
    cleaned = clean_line(text)
    assert "<" not in cleaned
    assert clean_line(cleaned) == cleaned


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("How <script> tags work", "How tags work"),
        ("a<style>p{}</STYLE >b<script>1</style>2</script>c", "abc"),
        ("<script and <b>bold</b>", "<script and bold"),
        ("5 <script", "5 <script"),
        ("a<scriptx>b</scriptx>c", "abc"),
    ],
)
def test_scripts_go_with_their_content_if_they_end(given: str, kept: str) -> None:
    assert clean_line(given) == kept


def test_text_keeps_its_lines_and_its_angle_brackets() -> None:
    assert clean_text("  if a <b> c\r\n\r\nthen\x00 d\x85e\n") == "if a <b> c\n\nthen d\ne"


def test_markup_without_a_word_is_no_text() -> None:
    assert has_text("<p>x</p>")
    assert not has_text("<p> <br>&nbsp;</p>")
