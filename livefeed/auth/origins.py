"""The origins whose pages may use a browser's session: our own and those in the settings."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from livefeed.exceptions import ConfigError

__all__ = ["Origins"]

_PORTS = {"http": 80, "https": 443}


def _normal(origin: str) -> str:
    """The ASCII serialisation of an origin as browsers send it: lower case, no default port."""
    scheme, _, rest = origin.partition("://")
    scheme, rest = scheme.lower(), rest.lower()
    host, colon, port = rest.rpartition(":")
    return f"{scheme}://{host}" if colon and port == str(_PORTS.get(scheme)) else f"{scheme}://{rest}"


class Origins:
    """An exact list: no patterns, no endings, never `*` and never `null`."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(self._check(origin) for origin in allowed)

    @staticmethod
    def _check(origin: str) -> str:
        parts = urlsplit(origin)
        if parts.scheme not in _PORTS or not parts.hostname or "*" in origin or origin != f"{parts.scheme}://{parts.netloc}":
            raise ConfigError(f"{origin!r} is not an origin: give only scheme, host and port, such as 'https://news.example'")
        return _normal(origin)

    def __bool__(self) -> bool:
        return bool(self._allowed)

    def __contains__(self, origin: str) -> bool:
        return origin in self._allowed

    def may_use_session(self, scope: Scope) -> bool:
        """Whether the page that made this request may act with the browser's session.

        A browser names the source of a request in `Origin`, or in `Sec-Fetch-Site` if it sends no origin; a page can forge
        neither. A request without both is only accepted if it cannot change anything and no other page could read the response.
        """
        headers = Headers(scope=scope)
        origins = headers.getlist("origin")
        if origins:
            return len(origins) == 1 and (origins[0] in self._allowed or origins[0] == own_origin(scope, headers))
        site = headers.get("sec-fetch-site")
        if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}:
            return site in {None, "same-origin", "none"} or headers.get("sec-fetch-mode") == "navigate"
        return scope["type"] == "http" and site == "same-origin"


def own_origin(scope: Scope, headers: Headers) -> str:
    scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    return _normal(f"{scheme}://{headers.get('host', '')}")
