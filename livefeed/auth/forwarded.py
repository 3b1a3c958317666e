"""Who is behind the proxy: forwarded addresses count only when a proxy that was named says them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from livefeed.exceptions import ConfigError

__all__ = ["ForwardedMiddleware", "TrustedProxies"]

_SECURE = {("http", "https"): "https", ("websocket", "https"): "wss", ("websocket", "wss"): "wss"}


class TrustedProxies:
    """The networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        self._local_socket = False
        for network in networks:
            if network == "unix":
                self._local_socket = True
                continue
            try:
                self._networks.append(ip_network(network))
            except ValueError:
                raise ConfigError(f"{network!r} is no network of proxies: write '10.0.0.0/8', an address or 'unix'") from None

    def __bool__(self) -> bool:
        return self._local_socket or bool(self._networks)

    def trusts(self, address: str | None) -> bool:
        """Whether the peer at *address* (none on a Unix socket) is one of our proxies."""
        if not address:
            return self._local_socket
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(ip, "ipv4_mapped", None)
        return any((mapped or ip) in network for network in self._networks)

    def client(self, peer: str | None, forwarded_for: Iterable[str]) -> str | None:
        """Who sent the request that came from *peer*: the last address that is none of our proxies.

        The header is read from its end: our own proxy wrote that, while its beginning is whatever the client made up.
        """
        if not self.trusts(peer):
            return peer
        chain = [part.strip() for value in forwarded_for for part in value.split(",")]
        for address in reversed(chain):
            try:
                found = str(ip_address(address))
            except ValueError:
                return peer
            if not self.trusts(found):
                return found
            peer = found
        return peer


class ForwardedMiddleware:
    """Puts the address and scheme that trusted proxies report into the scope."""

    def __init__(self, app: ASGIApp, proxies: TrustedProxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and self._proxies:
            scope = {**scope, **self._seen(scope)}
        await self._app(scope, receive, send)

    def _seen(self, scope: Scope) -> dict[str, object]:
        peer, _ = scope.get("client") or (None, 0)
        if not self._proxies.trusts(peer):
            return {}
        headers = Headers(scope=scope)
        address = self._proxies.client(peer, headers.getlist("x-forwarded-for"))
        proto = (headers.getlist("x-forwarded-proto") or [""])[-1].rpartition(",")[2].strip().lower()
        scheme = _SECURE.get((scope["type"], proto), scope["scheme"])
        return {"client": scope.get("client") if address == peer else (address, 0), "scheme": scheme}
