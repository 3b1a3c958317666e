"""Authentication: turns credentials into callers, and ends connections whose credential becomes invalid."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from livefeed.auth.keys import DENIED, Keys
from livefeed.auth.tokens import Tokens
from livefeed.auth.vouchers import Vouchers
from livefeed.auth.watch import Watch
from livefeed.exceptions import Unauthorized, Unavailable
from livefeed.grants import Caller
from livefeed.limits import Meter
from livefeed.ticks import pause

__all__ = ["REFRESH", "Authenticator"]

LONGEST = 16 * 1024
REFRESH = 2.0
"""Seconds between two checks for revoked keys and sessions. A live connection must end within 5 s of a revocation."""

log = structlog.get_logger("livefeed.auth")


def _nothing() -> None:
    pass


class Authenticator:
    """Identifies callers, and ends the live connections of those whose credential expired or was revoked.

    It is the `livefeed.grants.Authority` that connections find in their scope. `run` must be running; it looks for revoked
    credentials every *refresh* seconds.
    """

    def __init__(
        self,
        keys: Keys,
        tokens: Tokens,
        sessions: Vouchers,
        tickets: Vouchers,
        publishing: Meter,
        *,
        clock: Callable[[], float] = time.time,
        refresh: float = REFRESH,
    ) -> None:
        self.keys = keys
        self.tokens = tokens
        self.sessions = sessions
        self.tickets = tickets
        self._publishing = publishing
        self._clock = clock
        self._refresh_every = refresh
        self._watch = Watch()

    async def identify(self, credential: str) -> Caller:
        """The caller that the key or token *credential* belongs to. Raises `Unauthorized`, `Unavailable`."""
        if len(credential) > LONGEST:
            raise Unauthorized(f"the credential is longer than {LONGEST} bytes")
        if credential.count(".") == 2 and credential.startswith("eyJ"):
            caller = await self.tokens.verify(credential)
            if self.keys.is_denied(caller.key_id):
                raise Unauthorized("the token was revoked")
            return caller
        found = await self.keys.find(credential)
        if found is None:
            raise Unauthorized("the credential is not a key or token that this server knows")
        return found

    async def identify_session(self, cookie: str) -> Caller | None:
        """The caller of a browser session; None when the session, or the credential that it was opened with, has ended."""
        found = await self.sessions.find(cookie)
        if found is None or not self.holds(found[0].key_id):
            return None
        caller, until = found
        return replace(caller, expires=until, session=self.sessions.mark(cookie))

    async def redeem(self, ticket: str) -> Caller:
        """The caller that the one-time *ticket* was issued to. Raises `Unauthorized`."""
        caller = await self.tickets.take(ticket)
        if caller is None or not self.holds(caller.key_id):
            raise Unauthorized("the ticket was used before, has expired or was never issued")
        return caller

    def holds(self, key_id: str) -> bool:
        """Whether the key or token with this id is still valid."""
        if key_id.startswith(DENIED):
            return self.tokens.holds(key_id) and not self.keys.is_denied(key_id)
        return self.keys.holds(key_id)

    def watch(self, caller: Caller, end: Callable[[str], object]) -> Callable[[], None]:
        if not caller.subject:
            return _nothing
        return self._watch.add(caller, end)

    def charge(self, caller: Caller, count: int) -> None:
        self._publishing.charge(caller.key_id, count, time.monotonic())

    def check_now(self) -> None:
        """End the connections whose credential was revoked in this worker, at once."""
        self._watch.revoke(self.holds)

    async def run(self) -> None:
        """End connections on expiry and revocation, until cancelled."""
        async with asyncio.TaskGroup() as group:
            # Apart, because a Redis that hangs must not keep what has expired alive, nor a JWKS address what was revoked.
            group.create_task(self._expire())
            group.create_task(self._revoke())
            group.create_task(self._rotate())

    def expire(self) -> None:
        """End the connections whose credential has expired."""
        self._watch.expire(self._clock())

    async def _expire(self) -> None:
        while True:
            await pause(1)
            self.expire()

    async def _revoke(self) -> None:
        failing = False
        while True:
            await pause(self._refresh_every)
            try:
                await self.refresh()
                failing = False
            except Unavailable as error:
                # Once for each outage.
                if not failing:
                    log.warning("keys and sessions cannot be refreshed", error=str(error))
                failing = True

    async def _rotate(self) -> None:
        while True:
            await pause(self._refresh_every)
            await self.tokens.refresh()

    async def refresh(self) -> None:
        """Check once for revoked keys, tokens and sessions."""
        await self.keys.refresh()
        self._watch.revoke(self.holds)
        if sessions := self._watch.sessions():
            self._watch.end_sessions(await self.sessions.ended(sessions))
