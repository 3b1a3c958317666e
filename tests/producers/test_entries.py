from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.items import parse_item
from producers.dates import rfc3339
from producers.entries import MAX_BODY, digest, editorial_time, identity, item
from producers.syndication import Channel, Entry, Image, read
from tests.producers import documents

URL = "https://post.example/rss"
CHANNEL = Channel(title="Harbour Post", link="https://post.example/", language="en", entries=())
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def entry(**fields: object) -> Entry:
    plain = Entry("", "", "One.", "", "", "", "", None, (), (), "", ())
    return msgspec.structs.replace(plain, **fields)


@pytest.mark.parametrize(
    "guid",
    ["https://post.example/1", "tag:post.example,2026:1", "urn:uuid:5c0ad2fc-9a70-4bf4-a318-46a6c9b2b5e8", "urn:newsml:x:2026:1"],
)
def test_a_guid_that_is_a_uri_is_the_identity(guid: str) -> None:
    assert identity(entry(guid=guid, link="https://post.example/other"), URL) == guid


@pytest.mark.parametrize(
    "guid", ["17", "urn:x", "http://", "javascript:alert(1)", "https://post.example/a b", "https://x/" + "y" * 600]
)
def test_other_guids_count_within_their_feed(guid: str) -> None:
    ours, theirs = identity(entry(guid=guid), URL), identity(entry(guid=guid), "https://other.example/rss")
    assert ours.startswith("urn:uuid:")
    assert ours != theirs
    assert ours == identity(entry(guid=guid, title="Changed."), URL)


def test_without_a_guid_the_link_and_then_title_and_date_tell_entries_apart() -> None:
    assert identity(entry(link="https://post.example/1"), URL) == "https://post.example/1"
    dated = entry(date="Mon, 23 Nov 2026 12:00:00 GMT")
    assert identity(dated, URL) == identity(dated, URL)
    assert len({identity(each, URL) for each in (entry(), dated, entry(title="Two."))}) == 3


@pytest.mark.parametrize(
    ("offset", "kept"),
    [(timedelta(), True), (timedelta(days=-30), True), (timedelta(days=-31), False), (timedelta(minutes=6), False)],
)
def test_dates_that_nobody_believes_are_estimated(offset: timedelta, kept: bool) -> None:
    said = rfc3339(NOW + offset)
    time, note = editorial_time(entry(published=said, date="raw"), NOW)
    assert time == (said if kept else rfc3339(NOW))
    assert note == ("" if kept else "The time is estimated: the document says raw.")


def test_a_date_a_little_ahead_is_now() -> None:
    assert editorial_time(entry(published=rfc3339(NOW + timedelta(minutes=4))), NOW) == (rfc3339(NOW), "")


def test_no_date_is_estimated() -> None:
    assert editorial_time(entry(), NOW) == (rfc3339(NOW), "The time is estimated: the document says none.")


def test_all_fields() -> None:
    full = entry(
        guid="https://post.example/1",
        link="https://post.example/1",
        html="<p>Two.</p>",
        summary="<b>Short.</b>",
        authors=("Ada", "Bo"),
        tags=("Port", "PORT", " ", "x" * 65, "Sea  ice"),
        language="de_DE",
        images=(Image("https://post.example/1.jpg", "image/jpeg", 640, 0), Image("data:image/png,x")),
    )
    assert item(full, CHANNEL, URL) == {
        "uri": "https://post.example/1",
        "headline": "One.",
        "bodyHtml": "<p>Two.</p>",
        "summary": "Short.",
        "link": "https://post.example/1",
        "language": "de-DE",
        "by": "Ada, Bo",
        "tags": ["Port", "Sea ice"],
        "infoSources": [{"name": "Harbour Post", "uri": "https://post.example/"}],
        "renditions": [
            {"name": "main", "href": "https://post.example/1.jpg", "contentType": "image/jpeg", "width": 640, "title": "One."}
        ],
    }


def test_what_is_no_use_is_left_out() -> None:
    given = item(entry(link="mailto:x@post.example", language="what?", html="<img src=x>"), CHANNEL, URL)
    assert set(given) == {"uri", "headline", "language", "infoSources"}


def test_an_entry_without_words_gets_its_link_for_a_headline() -> None:
    assert item(entry(title="", link="https://post.example/1"), CHANNEL, URL)["headline"] == "https://post.example/1"
    assert item(entry(title=""), CHANNEL, URL)["headline"] == "(no title)"


_strings = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=400),
    st.sampled_from(["https://post.example/1", "http://[", "http://x:0/", "https://x/\u202e", "en", "(x)", "\0", "a" * 3000]),
    st.sampled_from(["<p>" * 99, "<script>x</script>", "<b>x", "&lt;p&gt;", "&#0;", "&nbsp;", "\u200b", "<!-- x", "x <y"]),
)


@given(
    st.builds(
        Entry,
        *([_strings] * 7),
        st.none(),
        st.lists(_strings).map(tuple),
        st.lists(_strings, max_size=30).map(tuple),
        _strings,
        st.lists(st.builds(Image, _strings, _strings, st.integers(0, 10**6), st.none(), _strings), max_size=15).map(tuple),
    ),
    _strings,
)
def test_whatever_an_entry_says_the_server_takes_it(said: Entry, title: str) -> None:
    channel = Channel(title=title, link=title, language=title, entries=())
    parse_item(orjson.dumps(item(said, channel, URL)), now=0)


def test_an_oversize_body_is_cut_and_keeps_its_link() -> None:
    huge = read(documents.HUGE, url=URL, content_type="").entries[0]
    given = item(huge, CHANNEL, URL)
    assert "bodyHtml" not in given
    assert given["bodyText"].endswith(" …")
    assert len(given["bodyText"].encode()) <= MAX_BODY
    assert given["link"] == "https://post.example/log"


def test_a_long_title_is_cut() -> None:
    assert len(item(entry(title="word " * 100), CHANNEL, URL)["headline"]) <= 300


def test_the_digest_is_of_the_content() -> None:
    one, two = (item(entry(guid="1", html=html), CHANNEL, URL) for html in ("<p>a</p>", "<p>b</p>"))
    assert digest(one) == digest(item(entry(guid="1", html="<p>a</p>", date="another"), CHANNEL, URL))
    assert digest(one) != digest(two)
