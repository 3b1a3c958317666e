"""The guard: nothing is sent to an address that was not checked, and nothing that comes back can grow without bound."""

from __future__ import annotations

import asyncio
import gzip
import resource
import socket
import zlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from producers.addresses import AddressRules, parse_network
from producers.fetch import Fetcher, FetchError, Refused
from tests.scripted import Script, answer, scripted

ALLOWED = AddressRules([parse_network("127.0.0.2")])
"""The test's own server; the stub that must not be reached is at 127.0.0.1."""


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with aclosing(Fetcher(ALLOWED, max_seconds=5)) as fetcher:
        yield fetcher


@pytest.fixture
async def stub() -> AsyncIterator[Script]:
    """What must not be reached: it notes who asks for something."""
    async with scripted(answer(200, {"secret": True})) as stub:
        yield stub


INWARD = [
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://0x7f000001:{port}/",
    "http://2130706433:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://10.0.0.1/",
    "http://192.168.0.1/",
    "http://user@127.0.0.1:{port}/",
    "http://example.org@127.0.0.1:{port}/",
    "http://127.0.0.2@127.0.0.1:{port}/",
    "http://127.0.0.2:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@127.0.0.2/",
    "http://127.0.0.2%40127.0.0.1:{port}/",
    "http://127.0.0.1%00.example.org:{port}/",
    "http://１２７.0.0.1:{port}/",
    "http://127。0。0。1:{port}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
    "https://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET%20/",
    "ftp://127.0.0.1:{port}/",
    "dict://127.0.0.1:{port}/",
    "data:text/xml,<rss/>",
    "jar:http://127.0.0.1:{port}/!/",
    "unix:/run/redis.sock",
    "//127.0.0.1:{port}/",
    "/etc/passwd",
    "http://",
    "http:///127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "http://127.0.0.1:99999/",
    "",
]


@pytest.mark.parametrize("url", INWARD)
async def test_nothing_leads_inward(fetcher: Fetcher, stub: Script, url: str) -> None:
    with pytest.raises(FetchError):
        await fetcher.fetch(url.format(port=stub.port))
    assert stub.requests == []
    assert not stub.tasks


@pytest.mark.parametrize("url", [url for url in INWARD if url])
async def test_no_redirect_leads_inward(fetcher: Fetcher, stub: Script, url: str) -> None:
    target = url.format(port=stub.port).encode("latin-1", "backslashreplace").replace(b"\r\n", b"%0d%0a").decode("latin-1")
    async with scripted(answer(302, b"", f"Location: {target}"), host="127.0.0.2") as server:
        with pytest.raises(FetchError):
            await fetcher.fetch(server.url)
    assert stub.requests == []
    assert not stub.tasks


class Resolver:
    """Answers for one name, each time with the next of its lists of addresses."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def getaddrinfo(self, host: str, port: int, **_: Any) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        self.asked += 1
        addresses = self.answers.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


async def test_a_name_is_not_resolved_a_second_time(fetcher: Fetcher, stub: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: an allowed address when it is checked, a forbidden one when it is connected to."""
    resolver = Resolver(["127.0.0.2"], ["127.0.0.1"])
    async with scripted(answer(200, b"<rss/>"), host="127.0.0.2", port=stub.port) as server:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolver.getaddrinfo)
        document = await fetcher.fetch(f"http://feeds.example.org:{stub.port}/rss")
    assert document.body == b"<rss/>"
    assert resolver.asked == 1
    assert server.requests[0].headers["host"] == f"feeds.example.org:{stub.port}"
    assert stub.requests == []


async def test_of_several_addresses_a_permitted_one_is_taken(
    fetcher: Fetcher, stub: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(answer(200, b"<rss/>"), host="127.0.0.2", port=stub.port):
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", Resolver(["127.0.0.1", "127.0.0.2"]).getaddrinfo)
        assert (await fetcher.fetch(f"http://feeds.example.org:{stub.port}/")).body == b"<rss/>"
    assert stub.requests == []


async def test_an_address_that_does_not_answer_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = AddressRules([parse_network("127.0.0.2"), parse_network("127.0.0.3")])
    async with aclosing(Fetcher(rules)) as fetcher, scripted(answer(200, b"<rss/>"), host="127.0.0.2") as server:
        resolver = Resolver(["127.0.0.3", "127.0.0.2"], ["127.0.0.3"])
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolver.getaddrinfo)
        assert (await fetcher.fetch(f"http://feeds.example.org:{server.port}/")).body == b"<rss/>"
        with pytest.raises(FetchError, match="cannot be fetched"):
            await fetcher.fetch(f"http://feeds.example.org:{server.port}/")


async def test_a_refusal_says_how_to_allow_it(fetcher: Fetcher) -> None:
    with pytest.raises(Refused, match=r"127\.0\.0\.1, which is not public: .* --allow-address"):
        await fetcher.fetch("http://127.0.0.1:1/")


async def test_no_proxy_of_the_environment_comes_between(stub: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, stub.url)
    async with aclosing(Fetcher(ALLOWED)) as fetcher, scripted(answer(200, b"x"), host="127.0.0.2") as server:
        assert (await fetcher.fetch(server.url)).body == b"x"
    assert stub.requests == []


async def test_redirects_are_followed_to_where_is_allowed(fetcher: Fetcher) -> None:
    replies = (answer(301, b"", "Location: /b?c=1"), answer(302, b"", "Location: d"), answer(200, b"<rss/>", type="text/xml"))
    async with scripted(*replies, host="127.0.0.2") as server:
        document = await fetcher.fetch(f"{server.url}/a")
    assert [request.path for request in server.requests] == ["/a", "/b", "/d"]
    assert document.url == f"{server.url}/d"
    assert document.content_type == "text/xml"


async def test_redirects_end(fetcher: Fetcher) -> None:
    async with scripted(*[answer(302, b"", "Location: /")] * 9, host="127.0.0.2") as server:
        with pytest.raises(FetchError, match="more than 5 redirects"):
            await fetcher.fetch(server.url)
    assert len(server.requests) == 6


async def test_conditional_requests(fetcher: Fetcher) -> None:
    validators = ('ETag: "v1"', "Last-Modified: Mon, 23 Nov 2026 12:00:00 GMT")
    async with scripted(answer(200, b"<rss/>", *validators), answer(304, b"", *validators), host="127.0.0.2") as server:
        first = await fetcher.fetch(server.url)
        second = await fetcher.fetch(server.url, etag=first.etag, last_modified=first.last_modified)
    assert "if-none-match" not in server.requests[0].headers
    assert server.requests[1].headers["if-none-match"] == '"v1"'
    assert server.requests[1].headers["if-modified-since"] == "Mon, 23 Nov 2026 12:00:00 GMT"
    assert not first.unchanged
    assert second.unchanged


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answer(404, b""), "answered 404"),
        (answer(503, b"", "Retry-After: 120"), "answered 503"),
        (b"", "cannot be fetched"),
        (b"no HTTP\r\n\r\n", "cannot be fetched"),
        (answer(200, b"x" * 10, "Content-Encoding: br"), "encoded as 'br'"),
        (answer(200, b"no gzip at all", "Content-Encoding: gzip"), "cannot be fetched"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", "cannot be fetched"),
    ],
)
async def test_faults_are_told(fetcher: Fetcher, reply: bytes, said: str) -> None:
    async with scripted(reply, host="127.0.0.2") as server:
        with pytest.raises(FetchError, match=said) as raised:
            await fetcher.fetch(server.url)
    assert raised.value.retry_after == (120 if b"Retry-After" in reply else None)


async def test_a_name_without_address_is_told(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nothing)
    with pytest.raises(FetchError, match=r"nowhere\.example has no address"):
        await fetcher.fetch("http://nowhere.example/")


async def test_certificates_are_for_the_name(fetcher: Fetcher) -> None:
    """A server that cannot speak TLS is told as that; the name, not the address, is what TLS is asked for."""
    names: list[bytes] = []

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        names.append(await reader.read(4096))
        writer.close()

    server = await asyncio.start_server(hello, "127.0.0.2", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    original = loop.getaddrinfo
    async with server:
        loop.getaddrinfo = Resolver(["127.0.0.2"]).getaddrinfo  # type: ignore[method-assign,assignment]
        try:
            with pytest.raises(FetchError, match="cannot be fetched"):
                await fetcher.fetch(f"https://feeds.example.org:{port}/")
        finally:
            loop.getaddrinfo = original  # type: ignore[method-assign]
    assert b"feeds.example.org" in names[0]


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<rss>")
    while not writer.is_closing():
        writer.write(b" " * 65536)
        await writer.drain()


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<rss>")
    await reader.read()


def gzip_reply(content: bytes, *encodings: str) -> bytes:
    return answer(200, content, f"Content-Encoding: {', '.join(encodings or ('gzip',))}")


@pytest.fixture(scope="module")
def zeros() -> bytes:
    """100 MiB, in 100 KiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(100)) + packer.flush()


async def test_gzip_bombs_are_stopped_before_they_have_gone_off(fetcher: Fetcher, zeros: bytes) -> None:
    twice = gzip.compress(zeros)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for reply in (gzip_reply(zeros), gzip_reply(zeros, "x-gzip"), gzip_reply(twice, "gzip", "gzip"), gzip_reply(twice)):
        async with scripted(reply, host="127.0.0.2") as server:
            try:
                document = await fetcher.fetch(server.url)
            except FetchError:
                continue
            assert len(document.body) < 1024 * 1024
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown <= 20 * 1024, f"grew by {grown} KiB"


async def test_a_document_without_end_is_cut_off(fetcher: Fetcher) -> None:
    async with scripted(endless, host="127.0.0.2") as server:
        with pytest.raises(FetchError, match="larger than 5,242,880 bytes"):
            await fetcher.fetch(server.url)


async def test_a_slow_document_is_given_up() -> None:
    async with aclosing(Fetcher(ALLOWED, max_seconds=0.2)) as fetcher, scripted(trickle, host="127.0.0.2") as server:
        with pytest.raises(FetchError, match=r"took longer than 0\.2 s"):
            await fetcher.fetch(server.url)
