"""Signing in, tickets, keys and the audit trail over HTTP."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from livefeed.auth.authenticator import Authenticator
from livefeed.auth.keys import DENIED, Key
from livefeed.auth.middleware import cookie_name
from livefeed.auth.tokens import MOST_LEEWAY
from livefeed.events import rfc3339
from livefeed.exceptions import BadRequest, FieldError, Invalid, NotFound, TooLarge, Unauthorized, UnsupportedMediaType
from livefeed.grants import Caller, grants_to_dict, parse_grants
from livefeed.limits import Meter, Rate
from livefeed.log.audit import Audit

__all__ = ["AuthEndpoints"]

SIGNING_IN = Rate(per_second=1, burst=100)
"""Sessions per key or token: each is stored for hours, and recorded in the audit trail."""
TICKETS = Rate(per_second=100, burst=2000)
"""Tickets per key: they expire in half a minute, and all screens of a building may reconnect together."""
LONGEST_BODY = 64 * 1024
_PLACE = re.compile(r"[0-9]{1,16}-[0-9]{1,16}")


class KeyInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The request body for a new key."""

    name: str
    grants: dict[str, Any]
    expires: datetime | None = None


def _caller(request: Request) -> Caller:
    caller = request.scope["livefeed.caller"]
    assert isinstance(caller, Caller)
    return caller


def _answer(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, {"cache-control": "no-store"}, "application/json")


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339(round(seconds * 1000))


def _shown(key: Key) -> dict[str, Any]:
    grants = grants_to_dict(key.grants)
    return {
        "id": key.id,
        "name": key.name,
        "grants": grants,
        "made": _time(key.made),
        "madeBy": key.made_by,
        "expires": _time(key.expires),
    }


class AuthEndpoints:
    """The endpoints; `routes` has their paths."""

    def __init__(
        self,
        authenticator: Authenticator,
        audit: Audit,
        *,
        token_lifetime: int,
        tickets: Rate = TICKETS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._authenticator = authenticator
        self._audit = audit
        self._token_lifetime = token_lifetime
        self._clock = clock
        self._signing_in = Meter(SIGNING_IN, "with this credential {rate} a second may sign in, up to {burst} at once")
        self._tickets = Meter(tickets, "this credential gets {rate} tickets a second, up to {burst} at once")

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/v1/session", self.begin_session, methods=["POST"]),
            Route("/v1/session", self.show_session, methods=["GET"]),
            Route("/v1/session", self.end_session, methods=["DELETE"]),
            Route("/v1/tickets", self.make_ticket, methods=["POST"]),
            Route("/v1/keys", self.make_key, methods=["POST"]),
            Route("/v1/keys", self.list_keys, methods=["GET"]),
            Route("/v1/keys/{key_id}", self.revoke_key, methods=["DELETE"]),
            Route("/v1/audit", self.read_audit, methods=["GET"]),
        ]

    async def begin_session(self, request: Request) -> Response:
        caller = _caller(request)
        if not caller.subject or caller.session:
            raise Unauthorized("to sign in send 'Authorization: Bearer KEY'")
        self._signing_in.charge(caller.key_id, 1, time.monotonic())
        text, expires = await self._authenticator.sessions.make(caller)
        self._audit.record("session.begun", caller)
        answer = _answer({"subject": caller.subject, "grants": grants_to_dict(caller.grants), "expires": _time(expires)}, 201)
        self._set_cookie(request, answer, text, int(expires - self._clock()))
        return answer

    async def show_session(self, request: Request) -> Response:
        caller = _caller(request)
        if not caller.subject:
            raise Unauthorized("no one is signed in")
        return _answer({"subject": caller.subject, "grants": grants_to_dict(caller.grants), "expires": _time(caller.expires)})

    async def end_session(self, request: Request) -> Response:
        cookie = request.cookies.get(cookie_name(request.scope))
        if cookie:
            await self._authenticator.sessions.end(cookie)
            if _caller(request).session:
                self._audit.record("session.ended", _caller(request))
        answer = Response(status_code=204, headers={"cache-control": "no-store"})
        self._set_cookie(request, answer, "", 0)
        return answer

    def _set_cookie(self, request: Request, answer: Response, text: str, max_age: int) -> None:
        name, secure = cookie_name(request.scope), request.url.scheme == "https"
        answer.set_cookie(name, text, max_age=max_age, path="/", secure=secure, httponly=True, samesite="strict")

    async def make_ticket(self, request: Request) -> Response:
        caller = _caller(request)
        if not caller.subject:
            raise Unauthorized("a ticket is issued for a key, token or session: send one")
        self._tickets.charge(caller.key_id, 1, time.monotonic())
        text, expires = await self._authenticator.tickets.make(caller)
        return _answer({"ticket": text, "expires": _time(expires)}, 201)

    async def make_key(self, request: Request) -> Response:
        caller = _caller(request)
        caller.require_admin()
        asked = await _read_key_input(request)
        expires = None if asked.expires is None else asked.expires.timestamp()
        key, text = await self._authenticator.keys.make(
            asked.name, parse_grants(asked.grants, "/grants"), by=caller, expires=expires
        )
        self._audit.record("key.made", caller, key=key.id, note=key.name)
        answer = _answer({**_shown(key), "key": text}, 201)
        answer.headers["location"] = f"/v1/keys/{key.id}"
        return answer

    async def list_keys(self, request: Request) -> Response:
        _caller(request).require_admin()
        return _answer({"keys": [_shown(key) for key in await self._authenticator.keys.list()]})

    async def revoke_key(self, request: Request) -> Response:
        caller = _caller(request)
        caller.require_admin()
        key_id = request.path_params["key_id"]
        keys = self._authenticator.keys
        if key_id.startswith(DENIED) and len(key_id) <= 64:
            await keys.deny(key_id, self._clock() + self._token_lifetime + MOST_LEEWAY)
        elif not await keys.revoke(key_id):
            raise NotFound(f"there is no key with the id {key_id[:80]!r}")
        self._authenticator.check_now()
        self._audit.record("key.revoked", caller, key=key_id)
        return Response(status_code=204)

    async def read_audit(self, request: Request) -> Response:
        _caller(request).require_admin()
        before, limit = _read_page(request)
        entries = await self._audit.read(before=before, limit=limit)
        shown = [{name: value for name, value in asdict(entry).items() if name != "details"} | entry.details for entry in entries]
        return _answer({"entries": shown, "next": entries[-1].id if len(entries) == limit else None})


def _read_page(request: Request) -> tuple[str, int]:
    query = request.query_params
    if unknown := set(query) - {"before", "limit"}:
        raise BadRequest(f"{min(unknown)[:80]!r} is not a parameter here: use 'before' and 'limit'")
    before, limit = query.get("before", "+"), query.get("limit", "100")
    if before != "+" and not _PLACE.fullmatch(before):
        raise BadRequest("before must be the id of an entry")
    if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= 500:
        raise BadRequest("limit must be a number from 1 to 500")
    return before, int(limit)


async def _read_key_input(request: Request) -> KeyInput:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("send application/json")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise TooLarge(f"the body may have at most {LONGEST_BODY} bytes")
    try:
        asked = msgspec.json.decode(body, type=KeyInput)
    except msgspec.ValidationError as error:
        raise Invalid(FieldError("", "form", f"a key must have name, grants and expires: {error}")) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if asked.expires is not None and asked.expires.tzinfo is None:
        raise Invalid(
            FieldError("/expires", "time zone", "expires must be a time with a time zone, such as 2026-12-31T00:00:00Z")
        )
    return asked
