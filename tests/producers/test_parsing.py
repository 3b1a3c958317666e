"""Documents made to hurt their reader."""

from __future__ import annotations

import resource

import pytest

from producers.parsing import Parser
from producers.syndication import Unreadable
from tests.producers import documents
from tests.scripted import scripted

LAUGHS = (
    '<!DOCTYPE rss [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + "]><rss version='2.0'><channel><title>&a9;</title><item><title>x</title></item></channel></rss>"
)
QUADRATIC = (
    f'<!DOCTYPE rss [<!ENTITY a "{"ha" * 50_000}">]><rss version="2.0"><channel><item><title>{"&a;" * 50_000}</title></item>'
    "</channel></rss>"
)
EXTERNAL = (
    '<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel><title>&a;</title></channel></rss>'
)
PARAMETER = '<!DOCTYPE rss [<!ENTITY % a SYSTEM "http://127.0.0.1:1/x.dtd"> %a;]><rss version="2.0"><channel/></rss>'
SAFE_LOOKING = "<!DOCTYPE rss [<!ENTITY a 'harmless'>]><rss version='2.0'><channel><title>&a;</title></channel></rss>"

BOMBS = {
    "laughs": LAUGHS.encode(),
    "laughs in UTF-16": LAUGHS.encode("utf-16"),
    "laughs in UTF-32": LAUGHS.encode("utf-32"),
    "laughs before a syntax error": LAUGHS.replace("</channel>", "<&></channel>").encode(),
    "laughs after a syntax error": b"<?xml version='1.0' bad?>" + LAUGHS.encode(),
    "laughs in UTF-16 after a syntax error": ("<?xml version='1.0' bad?>" + LAUGHS).encode("utf-16"),
    "quadratic": QUADRATIC.encode(),
    "external entity": EXTERNAL.encode(),
    "external parameter entity": PARAMETER.encode(),
    "one declared entity": SAFE_LOOKING.encode(),
    "JSON in the deep": b'{"version": "https://jsonfeed.org/version/1", "items": ' + b"[" * 1_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
async def test_bombs_do_not_go_off(name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Unreadable):
        await Parser().parse(BOMBS[name], url="https://post.example/", content_type="text/xml")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown <= 20 * 1024, f"grew by {grown} KiB"


async def test_elements_in_the_deep_end_one_way_or_the_other() -> None:
    body = b"<rss version='2.0'><channel>" + b"<item><title>x</title>" + b"<a>" * 200_000
    try:
        channel = await Parser(max_seconds=1).parse(body, url="https://post.example/", content_type="text/xml")
    except Unreadable:
        return
    assert len(channel.entries) == 1


async def test_an_external_dtd_is_not_fetched() -> None:
    async with scripted() as stub:
        doctype = b'<!DOCTYPE rss SYSTEM "%s/x.dtd"><rss' % stub.url.encode()
        body = documents.rss("<item><title>x</title></item>").replace(b"<rss", doctype)
        channel = await Parser().parse(body, url="https://post.example/", content_type="text/xml")
    assert len(channel.entries) == 1
    assert not stub.tasks


async def test_time_is_bounded() -> None:
    with pytest.raises(Unreadable, match=r"within 0\.01 s"):
        await Parser(max_seconds=0.01).parse(documents.HUGE, url="https://post.example/", content_type="")


async def test_a_document_is_read_in_another_process() -> None:
    channel = await Parser().parse(
        documents.WINDOWS_1251, url="https://post.example/", content_type="text/xml; charset=windows-1251"
    )
    assert channel.title == "Новости порта"
    assert [entry.title for entry in channel.entries] == ["Ледокол вернулся"]


async def test_a_process_that_dies_is_a_document_that_cannot_be_read() -> None:
    class Dying(Parser):
        async def _run(self, document: bytes) -> bytes:
            return b""

    with pytest.raises(Unreadable, match="more memory than a document may have"):
        await Dying().parse(documents.HUGE, url="https://post.example/", content_type="")
