"""Fetching documents from untrusted URLs.

Rule 1: a host name is resolved once, and the connection goes to the address that was checked (DNS rebinding).
Rule 2: each redirect is checked like the first URL.
Rule 3: size limits apply after decompression, and the whole exchange has a single deadline.
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
"""A typical news feed has 100 KiB; this is ten times the largest one seen."""
MAX_SECONDS = 10.0
MAX_REDIRECTS = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})


class FetchError(Exception):
    """The document could not be fetched; the message states the reason in one sentence."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """Seconds, if the server sent `Retry-After`."""


class Refused(FetchError):
    """The address is not allowed."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document. `body` is empty if it has not changed."""

    url: str
    """The final URL after redirects, which is the base of relative links."""
    body: bytes
    content_type: str
    etag: str
    last_modified: str
    unchanged: bool = False


class Fetcher:
    """Fetches over HTTP(S) from public addresses, and from those that *rules* allow."""

    def __init__(self, rules: AddressRules, *, max_seconds: float = MAX_SECONDS) -> None:
        self._rules = rules
        self._max_seconds = max_seconds
        # No proxy from the environment, which would resolve the name again, unchecked. No cookies, no automatic redirects.
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
        """The document at *url*, or an empty one if it still matches *etag* and *last_modified*. Raises `FetchError`."""
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
        """The document, or the target of a redirect."""
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
        """The response head, from the first address that accepts the connection."""
        addresses = await self._resolve(target)
        for address in addresses:
            # The URL contains the address. The name is used for the Host header, and to verify the certificate.
            request = self._http.build_request("GET", target.copy_with(host=address), headers={**headers, "Host": _host(target)})
            request.extensions["sni_hostname"] = target.host
            try:
                return await self._http.send(request, stream=True)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if address == addresses[-1]:
                    raise
        raise AssertionError("there is an address, or it has been refused")

    async def _resolve(self, target: httpx2.URL) -> list[str]:
        """The host's allowed addresses; at least one."""
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
        # Decoded in chunks of at most 1 MiB, so that a decompression bomb is detected early.
        async for piece in response.aiter_bytes():
            size += len(piece)
            if size > MAX_BYTES:
                raise FetchError(f"{url} is larger than {MAX_BYTES:,} bytes")
            pieces.append(piece)
        return b"".join(pieces)


_ACCEPT = "application/rss+xml, application/atom+xml, application/feed+json, application/json;q=0.9, */*;q=0.5"


def check_url(url: str) -> httpx2.URL:
    """The parsed URL, if it may be requested. Raises `Refused`."""
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
