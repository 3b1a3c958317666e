"""Fetching documents from addresses that somebody else chose.

Rule 1: a name is resolved once; what is connected to is the address that was checked, not the name again.
Rule 2: each redirect is a new address, and is checked like the first.
Rule 3: sizes count after decompression, and the whole exchange has one deadline.
"""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx2

from producers.addresses import AddressRules

__all__ = ["Document", "FetchError", "Fetcher", "Refused"]

MAX_BYTES = 5 * 1024 * 1024
"""A news feed has some 100 KiB; ten times the largest ones seen."""
MAX_SECONDS = 10.0
MAX_REDIRECTS = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})


class FetchError(Exception):
    """The document could not be had; its text says why, in one sentence."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """Seconds, where the other server said so."""


class Refused(FetchError):
    """The address is none that may be fetched."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document, or that it has not changed (then `body` is empty)."""

    url: str
    """Where it was found in the end, after redirects: what relative links in it refer to."""
    body: bytes
    content_type: str
    etag: str
    last_modified: str
    unchanged: bool = False


class Fetcher:
    """Fetches over HTTP(S), from public addresses and those that *rules* allow besides."""

    def __init__(self, rules: AddressRules, *, max_bytes: int = MAX_BYTES, max_seconds: float = MAX_SECONDS) -> None:
        self._rules = rules
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        # No proxy from the environment: it would resolve the name again, out of our sight. No cookies, no redirects.
        self._http = httpx2.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": "livefeed-producer", "Accept-Encoding": "gzip", "Accept": _ACCEPT},
            timeout=httpx2.Timeout(max_seconds),
            limits=httpx2.Limits(max_keepalive_connections=0),
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    async def fetch(self, url: str, *, etag: str = "", last_modified: str = "") -> Document:
        """The document at *url*, unless it is still the one with this *etag* and *last_modified*. Raises `FetchError`."""
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in conditions.items() if value}
        try:
            async with asyncio.timeout(self._max_seconds):
                for _ in range(MAX_REDIRECTS + 1):
                    answer = await self._get(url, headers)
                    if isinstance(answer, Document):
                        return answer
                    url = answer
        except TimeoutError:
            raise FetchError(f"{url} took longer than {self._max_seconds:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise FetchError(f"{url} cannot be fetched: {str(error) or type(error).__name__}") from error
        raise FetchError(f"{url} is more than {MAX_REDIRECTS} redirects away")

    async def _get(self, url: str, headers: dict[str, str]) -> Document | str:
        """The document, or where it is said to be instead."""
        response = await self._send(check_url(url), headers)
        try:
            if response.status_code in _REDIRECTS and "location" in response.headers:
                return urljoin(url, response.headers["location"])
            if response.status_code == 304:
                return _document(url, response, b"", unchanged=True)
            if response.status_code != 200:
                said = response.headers.get("retry-after", "")
                retry_after = float(said) if said.isascii() and said.isdigit() else None
                raise FetchError(f"{url} answered {response.status_code} {response.reason_phrase}", retry_after=retry_after)
            return _document(url, response, await self._read(url, response))
        finally:
            await response.aclose()

    async def _send(self, target: httpx2.URL, headers: dict[str, str]) -> httpx2.Response:
        """The head of the answer, from the first address that takes the connection."""
        addresses = await self._resolve(target)
        for address in addresses:
            # The address in place of the name; the name goes into the Host header and is what the certificate must be for.
            request = self._http.build_request("GET", target.copy_with(host=address), headers={**headers, "Host": _host(target)})
            request.extensions["sni_hostname"] = target.host
            try:
                return await self._http.send(request, stream=True)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if address == addresses[-1]:
                    raise
        raise AssertionError("there is an address, or it has been refused")

    async def _resolve(self, target: httpx2.URL) -> list[str]:
        """The permitted ones of its addresses; at least one."""
        port = target.port or (443 if target.scheme == "https" else 80)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(target.host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise FetchError(f"{target.host} has no address: {error}") from error
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        permitted = [address for address in addresses if self._rules.permits(address)]
        if not permitted:
            raise Refused(
                f"{target.host} is at {', '.join(addresses)}, which is not public: to fetch from there, --allow-address it"
            )
        return permitted

    async def _read(self, url: str, response: httpx2.Response) -> bytes:
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in _ENCODINGS:
            raise FetchError(f"{url} is encoded as {encoding[:40]!r}, which was not asked for")
        pieces: list[bytes] = []
        size = 0
        # Decoded in pieces of at most 1 MiB, so that a bomb is noticed before it has gone off.
        async for piece in response.aiter_bytes():
            size += len(piece)
            if size > self._max_bytes:
                raise FetchError(f"{url} is larger than {self._max_bytes:,} bytes")
            pieces.append(piece)
        return b"".join(pieces)


_ACCEPT = "application/rss+xml, application/atom+xml, application/feed+json, application/json;q=0.9, */*;q=0.5"


def check_url(url: str) -> httpx2.URL:
    """The parsed address of something that may be asked for. Raises `Refused`."""
    try:
        target = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise Refused(f"{url[:200]!r} is not an address: {error}") from None
    if target.scheme not in ("http", "https"):
        raise Refused(f"{url[:200]!r} is not fetched: only http:// and https:// are")
    if _HOST.fullmatch(target.host) is None:
        raise Refused(f"{url[:200]!r} names no host that could be looked up")
    if target.userinfo:
        raise Refused(f"an address with a user name in it is not fetched: what follows the @ in {target.host!r} is the host")
    return target


def _host(target: httpx2.URL) -> str:
    return target.netloc.decode("ascii")


def _document(url: str, response: httpx2.Response, body: bytes, *, unchanged: bool = False) -> Document:
    headers = response.headers
    return Document(
        url=url,
        body=body,
        content_type=headers.get("content-type", ""),
        etag=headers.get("etag", "")[:1000],
        last_modified=headers.get("last-modified", "")[:100],
        unchanged=unchanged,
    )
