"""The middleware that authenticates every request and WebSocket handshake."""

from __future__ import annotations

import re
import time
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livefeed.auth.answers import refuse
from livefeed.auth.authenticator import Authenticator
from livefeed.auth.origins import Origins
from livefeed.exceptions import BadRequest, Forbidden, RequestError, Unauthorized
from livefeed.grants import Caller

__all__ = ["SLOW", "AuthMiddleware", "cookie_name", "read_ticket"]

_CREDENTIAL_NAMES = frozenset(
    {"access_token", "api-key", "api_key", "apikey", "auth", "authorization", "bearer", "jwt", "key", "password", "secret"}
) | {"session", "token"}
# Matched against whole values: a search in 64 KiB of `eyJeyJeyJ…` would take quadratic time.
_CREDENTIAL_FORM = re.compile(r"(?:Bearer )?(?:lfk_[a-z2-7]{10}_[\w-]+|eyJ[\w-]+\.[\w-]+\.[\w-]*)")
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
SLOW = 1.0
"""A body that takes longer than this (s) has its credential checked again at its end."""
_TICKET = "a ticket is for the handshake of one WebSocket: elsewhere send 'Authorization: Bearer KEY'"
_IN_ADDRESS = "a key or token must not be in the URL: send 'Authorization: Bearer KEY'"


def cookie_name(scope: Scope) -> str:
    """`__Host-` binds a cookie to this very host and to https, so that no sister domain can plant one."""
    return "__Host-livefeed" if scope["scheme"] in {"https", "wss"} else "livefeed_session"


class AuthMiddleware:
    """Puts `livefeed.caller` and `livefeed.authority` into the scope."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator, origins: Origins, *, slow: float = SLOW) -> None:
        self._app = app
        self._authenticator = authenticator
        self._origins = origins
        self._slow = slow

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            try:
                caller = await self._identify(scope)
            except RequestError as error:
                await refuse(scope, send, error)
                return
            scope["livefeed.caller"] = caller
            scope["livefeed.authority"] = self._authenticator
            if caller.subject and scope["type"] == "http" and scope["method"] not in _WITHOUT_BODY:
                receive = self._checked(scope, receive, caller)
        await self._app(scope, receive, send)

    def _checked(self, scope: Scope, receive: Receive, caller: Caller) -> Receive:
        """A body may take minutes to arrive, and its sender's credential must still be valid when it is complete."""
        began = time.monotonic()

        async def checked() -> Message:
            message = await receive()
            last = message["type"] == "http.request" and not message.get("more_body")
            if last and time.monotonic() - began > self._slow and (await self._identify(scope)).key_id != caller.key_id:
                raise Unauthorized("the credential became invalid while the body was being sent")
            return message

        return checked

    async def _identify(self, scope: Scope) -> Caller:
        headers = Headers(scope=scope)
        ticket = read_ticket(scope.get("path", ""), scope.get("query_string", b""))
        if ticket is not None and scope["type"] != "websocket":
            raise BadRequest(_TICKET)
        if credential := _read_authorization(headers):
            return await self._authenticator.identify(credential)
        if ticket is not None:
            return await self._authenticator.redeem(ticket)
        return await self._identify_cookie(scope, headers)

    async def _identify_cookie(self, scope: Scope, headers: Headers) -> Caller:
        cookies = headers.getlist("cookie")
        cookie = cookie_parser("; ".join(cookies)).get(cookie_name(scope)) if cookies else None
        if not cookie:
            return Caller.ANONYMOUS
        if not self._origins.may_use_session(scope):
            raise Forbidden("this origin may not use the browser's session")
        return await self._authenticator.identify_session(cookie) or Caller.ANONYMOUS


def read_ticket(path: str, query: bytes) -> str | None:
    """The ticket in an address, if there is one; raises `BadRequest` for anything that looks like a credential.

    URLs end up in access logs, browser histories and `Referer` headers: a client that puts a key there must notice at once.
    """
    ticket: str | None = None
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else ():
        if name == "ticket" and ticket is None:
            ticket = value
        elif name == "ticket":
            raise BadRequest(_TICKET)
        elif name.lower() in _CREDENTIAL_NAMES or _CREDENTIAL_FORM.fullmatch(value):
            raise BadRequest(_IN_ADDRESS)
    if ("lfk_" in path or "eyJ" in path) and any(map(_CREDENTIAL_FORM.fullmatch, path.split("/"))):
        raise BadRequest(_IN_ADDRESS)
    return ticket


def _read_authorization(headers: Headers) -> str | None:
    values = headers.getlist("authorization")
    if not values:
        return None
    if len(values) > 1:
        raise Unauthorized("there are several Authorization headers: send one")
    scheme, _, credential = values[0].partition(" ")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not credential:
        raise Unauthorized("the Authorization header must be 'Bearer' and a key or token")
    if not credential.isascii() or not credential.isprintable():
        raise Unauthorized("the credential has characters that are not allowed in keys and tokens")
    return credential
