from __future__ import annotations

import pytest

from producers.syndication import Channel, Unreadable, read
from tests.producers import documents


def parse(body: bytes, content_type: str = "") -> Channel:
    return read(body, url="https://post.example/rss", content_type=content_type)


def test_titles_become_text_where_they_are_markup() -> None:
    first, _, third = parse(documents.REPEATED).entries
    assert first.title == "The Aurora is back in port"
    assert third.title == "AT&T <3 ships"


def test_latin_1_without_a_declaration_and_portuguese_dates() -> None:
    channel = parse(documents.LATIN_1, "text/xml")
    first, second = channel.entries
    assert channel.title == "Últimas Notícias"
    assert first.title == "Navio não chegou à baía"
    assert first.published == "2026-11-23T12:00:00.000Z"
    assert (second.guid, second.link) == ("", "")


def test_windows_1251() -> None:
    (entry,) = parse(documents.WINDOWS_1251).entries
    assert entry.title == "Ледокол вернулся"
    assert entry.html == "Экипаж здоров."


def test_malformed_documents_are_read_all_the_same() -> None:
    assert [entry.title for entry in parse(documents.HUGE).entries] == ["The whole log", "After a stray & sign"]


def test_json_feeds() -> None:
    channel = parse(documents.JSON_FEED)
    first, second = channel.entries
    assert (channel.title, channel.link, channel.language) == ("Harbour Post", "https://post.example/", "en")
    assert first.guid == "7"
    assert first.text == "A <b> that is only text"
    assert first.published == "2026-11-23T11:00:00.000Z"
    assert second.html == "<p>Bells.</p>"
    assert second.authors == ("Ada",)
    assert second.link == "https://else.example/8"
    assert [image.href for image in second.images] == ["https://post.example/8.jpg"]


def test_atom() -> None:
    body = documents.atom(
        "<entry><id>tag:post.example,2026:1</id><title type='html'>&lt;b&gt;One&lt;/b&gt;</title>"
        "<link href='/1'/><updated>2026-11-23T12:00:00Z</updated><category term='Port'/><author><name>Ada</name></author>"
        "<summary>Short.</summary><content type='html'>&lt;p&gt;Long enough.&lt;/p&gt;</content></entry>"
    )
    (entry,) = parse(body).entries
    assert entry.guid == "tag:post.example,2026:1"
    assert entry.title == "One"
    assert entry.link == "https://post.example/1"
    assert entry.html == "<p>Long enough.</p>"
    assert entry.summary == "Short."
    assert entry.tags == ("Port",)
    assert entry.authors == ("Ada",)


def test_images() -> None:
    body = documents.rss(
        "<item><title>One</title><enclosure url='https://post.example/a.jpg' type='image/jpeg' length='9'/>"
        "<enclosure url='https://post.example/a.mp3' type='audio/mpeg' length='9'/></item>"
    )
    (entry,) = parse(body).entries
    assert [(image.href, image.type) for image in entry.images] == [("https://post.example/a.jpg", "image/jpeg")]


def test_an_empty_feed_is_a_feed() -> None:
    assert parse(documents.rss()).entries == ()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "neither RSS nor Atom nor JSON Feed"),
        (b"<html><body>Not found</body></html>", "neither RSS nor Atom nor JSON Feed"),
        (b'<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:x"/>', "neither RSS nor Atom nor JSON Feed"),
        (b"{", "is not JSON"),
        (b"[]", "no JSON Feed"),
        (b'{"version": 1}', "no JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1"}', "without a list of items"),
    ],
)
def test_what_is_no_feed_is_an_error(body: bytes, said: str) -> None:
    """A parser that finds nothing in it would call it a feed without news."""
    with pytest.raises(Unreadable, match=said):
        parse(body)


def test_a_document_of_type_91_may_name_its_doctype() -> None:
    doctype = b'<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd">'
    body = documents.rss("<item><title>One</title></item>").replace(b"<rss", doctype + b"<rss")
    assert len(parse(body).entries) == 1


def test_references_to_no_character_do_not_cost_the_document() -> None:
    body = documents.rss("<item><title>One&#xD800; &#57343; &#0; &#x110000; &#99999999999; &#233; &#x1F6A2;</title></item>")
    (entry,) = parse(body).entries
    assert entry.title == "One\ufffd \ufffd \ufffd \ufffd \ufffd é 🚢"


def test_text_about_entities_is_no_declaration() -> None:
    (entry,) = parse(documents.rss("<item><title><![CDATA[How <!ENTITY a 'b'> works]]></title></item>")).entries
    assert entry.title.startswith("How")
