from __future__ import annotations

import time
from pathlib import Path

import orjson
import pytest

from livefeed.items import parse_item
from producers.newsml import NotNewsML, read_newsml

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

NITF = """<inlineXML contenttype="application/nitf+xml"><nitf xmlns="http://iptc.org/std/NITF/2006-10-18/"><body>
<body.head><hedline><hl1>Not this one</hl1></hedline></body.head>
<body.content><p>One &amp; <em>two</em> at the <location>harbour</location>.</p>
<hl2>Then</hl2><block><p>Three.</p></block></body.content>
</body></nitf></inlineXML>"""
XHTML = """<inlineXML contenttype="application/xhtml+xml"><html xmlns="http://www.w3.org/1999/xhtml"><head><title>No</title></head>
<body><p>See <a href="https://post.example/?a=1&amp;b=2" onclick="x()">this</a>.<br/>Now.</p></body></html></inlineXML>"""


def newsml(content: str = NITF, meta: str = '<pubStatus qcode="stat:usable"/>', about: str = "") -> bytes:
    return f"""<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:newsml:post.example:1" version="2">
    <itemMeta>{meta}</itemMeta><contentMeta><headline> The Aurora  is back </headline>{about}</contentMeta>
    <contentSet>{content}</contentSet></newsItem>""".encode()


def test_nitf() -> None:
    item, status = read_newsml(newsml())
    assert status == "usable"
    assert item == {
        "uri": "urn:newsml:post.example:1",
        "headline": "The Aurora is back",
        "bodyHtml": "<p>One &amp; <em>two</em> at the harbour.</p>\n<h3>Then</h3><p>Three.</p>",
    }


def test_xhtml_keeps_links_and_nothing_that_runs() -> None:
    item, _ = read_newsml(newsml(XHTML))
    assert item["bodyHtml"] == '<p>See <a href="https://post.example/?a=1&amp;b=2">this</a>.<br>Now.</p>'


def test_plain_text() -> None:
    assert read_newsml(newsml("<inlineData> One. </inlineData>"))[0]["bodyText"] == "One."


def test_no_body_is_no_fault() -> None:
    assert set(read_newsml(newsml("<remoteContent href='x'/>"))[0]) == {"uri", "headline"}


def test_what_is_said_about_it() -> None:
    meta = """<pubStatus qcode="stat:usable"/><embargoed>2026-11-24T12:00:00+01:00</embargoed><edNote>For the desk.</edNote>
    <signal qcode="sig:correction"/>"""
    about = """<contentCreated>2026-11-23T12:00:00Z</contentCreated><urgency>2</urgency><slugline>aurora</slugline>
    <by>By Ada</by><language tag="en-GB"/><located><name>Kirkenes</name></located><creator literal="Bo"/>
    <infoSource><name>NTB</name></infoSource><subject qcode="medtop:20000385"><name>market</name></subject>
    <subject qcode="x:1" uri="https://post.example/topics/1"/><subject qcode="x:2"/>"""
    item, _ = read_newsml(newsml(meta=meta, about=about))
    assert item["embargoedUntil"] == "2026-11-24T11:00:00.000Z"
    assert item["edNote"] == "For the desk."
    assert item["correction"]
    assert item["contentCreated"] == "2026-11-23T12:00:00.000Z"
    assert (item["urgency"], item["slugline"], item["by"], item["language"]) == (2, "aurora", "By Ada", "en-GB")
    assert (item["located"], item["authors"], item["infoSources"]) == ("Kirkenes", [{"name": "Bo"}], [{"name": "NTB"}])
    assert item["subjects"] == [
        {"name": "market", "uri": "http://cv.iptc.org/newscodes/mediatopic/20000385"},
        {"name": "1", "uri": "https://post.example/topics/1"},
        {"name": "2"},
    ]


@pytest.mark.parametrize("status", ["withheld", "canceled"])
def test_status(status: str) -> None:
    assert read_newsml(newsml(meta=f'<pubStatus qcode="stat:{status}"/>'))[1] == status


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<rss/>", "is not NewsML-G2"),
        (b"<newsItem", "is not usable XML"),
        (b'<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/"/>', "a newsItem with a guid"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><newsItem>&a;</newsItem>', "is not usable XML"),
    ],
)
def test_what_is_no_newsml_is_told(body: bytes, said: str) -> None:
    with pytest.raises(NotNewsML, match=said):
        read_newsml(body)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real document is not at hand")
def test_a_real_document() -> None:
    item, status = read_newsml((SHARED / "newsmlg2_listing2_text.xml").read_bytes())
    assert status == "usable"
    assert item["uri"].startswith("urn:newsml:")
    assert item["bodyHtml"].startswith("<p>")
    assert len(item["subjects"]) == 3
    parse_item(orjson.dumps(item), now=int(time.time() * 1000))
