"""`GET /v1/ws`: many feeds, and a desk's work, on one WebSocket (sub-protocol `livefeed.v1`)."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope
from starlette.types import Send as AsgiSend

from livefeed.api.publishing import Publishing, done_json
from livefeed.commands import Change, Command, Ping, Publish, Refused, Subscribe, Token, Unsubscribe, parse_command
from livefeed.cursors import Cursor
from livefeed.exceptions import BadRequest, Conflict, RequestError, TooManyRequests
from livefeed.frames import text_frame
from livefeed.grants import Authority, Caller, Role
from livefeed.hub import Hub
from livefeed.limits import Bucket, Rate
from livefeed.log.editor import Done
from livefeed.outlets import Outlet, Owner, serve_ws
from livefeed.queries import Query
from livefeed.reader import Reader, Send
from livefeed.wires import Wire

__all__ = ["Sockets"]

SUBPROTOCOL = "livefeed.v1"

COMMANDS = Rate(per_second=50, burst=200)
MAX_WAITING = 256
"""Commands that may be queued."""
MAX_FEEDS = 100
"""Subscriptions of one connection."""

_log = structlog.get_logger("livefeed.sockets")


class Sockets:
    """The endpoint."""

    def __init__(self, hub: Hub, publishing: Publishing) -> None:
        self.hub = hub
        self.publishing = publishing

    def routes(self) -> list[BaseRoute]:
        return [WebSocketRoute("/v1/ws", self), Route("/v1/ws", _upgrade, methods=["GET"], include_in_schema=False)]

    async def __call__(self, scope: Scope, receive: Receive, send: AsgiSend) -> None:
        Query(scope["query_string"], ("ticket",))
        offered = scope["subprotocols"]
        if offered and SUBPROTOCOL not in offered:
            raise BadRequest(f"none of the subprotocols is supported: offer {SUBPROTOCOL!r} or none")

        def begin(outlet: Outlet) -> Owner:
            return Socket(self, outlet, scope["livefeed.caller"], scope["livefeed.authority"])

        await serve_ws(scope, receive, send, begin, SUBPROTOCOL if offered else None)


async def _upgrade(_: Request) -> Response:
    raise HTTPException(
        426,
        "this is a WebSocket endpoint: request it with 'Upgrade: websocket'",
        {"Upgrade": "websocket", "Connection": "upgrade"},
    )


class Subscription:
    """One feed on a socket: what its reader writes to."""

    __slots__ = ("answered", "reader", "ref", "send", "socket", "wire", "write")

    def __init__(self, socket: Socket, ref: str | int | None) -> None:
        self.socket = socket
        self.ref = ref
        self.reader: Reader | None = None
        self.answered = asyncio.Event()
        self.wire: Wire = socket.outlet.wire
        self.write: Callable[[bytes | memoryview], None] = socket.outlet.write
        self.send: Send = socket.outlet.send

    @property
    def writable(self) -> bool:
        return self.socket.outlet.writable

    def close(self, code: int = 1000, reason: str = "", farewell: bytes = b"") -> None:
        self.answered.set()
        self.socket.unsubscribed(self, code, reason, farewell)

    def greet(self, reader: Reader, data: Mapping[str, Any], cursor: Cursor | None) -> None:
        answer = {"op": "subscribed", "ref": self.ref, "feed": reader.channel.feed, "data": data}
        if cursor is not None:
            answer["cursor"] = str(cursor)
        self.answered.set()
        self.socket.say(answer)


class Socket:
    """One connection: its subscriptions, and its commands, which are executed one after the other."""

    def __init__(self, sockets: Sockets, outlet: Outlet, caller: Caller, authority: Authority) -> None:
        self.hub = sockets.hub
        self.publishing = sockets.publishing
        self.outlet = outlet
        self.caller = caller
        self.authority = authority
        self.subscriptions: dict[str, Subscription] = {}
        self._commands: deque[Command] = deque()
        self._at_work: asyncio.Task[None] | None = None
        self._rate = Bucket(COMMANDS, time.monotonic())
        self._release = authority.watch(caller, self._ended)

    def say(self, answer: Mapping[str, Any]) -> None:
        self.outlet.write(text_frame(orjson.dumps(answer)))

    # -- what the connection tells

    def pause(self) -> None:
        for subscription in list(self.subscriptions.values()):
            if subscription.reader is not None:
                subscription.reader.pause()

    def resume(self) -> None:
        for subscription in list(self.subscriptions.values()):
            if subscription.reader is not None:
                subscription.reader.resume()

    def closed(self) -> None:
        self._release()
        self._commands.clear()
        if self._at_work is not None:
            self._at_work.cancel()
        for subscription in list(self.subscriptions.values()):
            if subscription.reader is not None:
                subscription.reader.closed()
        self.subscriptions.clear()

    def receive(self, message: str | bytes, /) -> None:
        if self._rate.take(1, time.monotonic()) or len(self._commands) >= MAX_WAITING:
            self.outlet.close(4429, "too many commands")
            return
        try:
            command = parse_command(message, self.hub.terms.now())
        except Refused as refused:
            self._refuse(refused.ref, refused.error)
            return
        self._commands.append(command)
        if self._at_work is None:
            self._at_work = self.hub.spawn(self._work())

    def _refuse(self, ref: str | int | None, error: RequestError) -> None:
        problem = error.problem()
        if isinstance(error, TooManyRequests):
            problem["retryAfter"] = error.retry_after
        self.say({"op": "error", "ref": ref, "problem": problem})

    # -- commands

    async def _work(self) -> None:
        # Sequentially: clients rely on the order of their commands.
        while self._commands:
            command = self._commands.popleft()
            try:
                await self._carry_out(command)
            except RequestError as error:
                self._refuse(command.ref, error)
            except Exception:  # noqa: BLE001  # the edge of a connection: only this one is closed
                _log.exception("a command failed", command=type(command).__name__)
                self.outlet.close(1011, "internal error")
                break
        self._at_work = None

    async def _carry_out(self, command: Command) -> None:
        match command:
            case Ping(ref):
                self.say({"op": "pong"} if ref is None else {"op": "pong", "ref": ref})
            case Subscribe():
                await self._subscribe(command)
            case Unsubscribe(ref, feed):
                self._unsubscribe(ref, feed)
            case Publish():
                await self._publish(command)
            case Change():
                await self._change(command)
            case Token(ref, token):
                await self._renew(ref, token)

    async def _subscribe(self, command: Subscribe) -> None:
        if command.feed not in self.subscriptions and len(self.subscriptions) >= MAX_FEEDS:
            raise TooManyRequests(
                f"a connection has at most {MAX_FEEDS} subscriptions: unsubscribe one, or open another connection"
            )
        channel = await self.hub.open(command.feed, self.caller)
        start = await self.hub.resolve(command.feed, command.start)
        self._drop(command.feed)
        subscription = Subscription(self, command.ref)
        subscription.reader = Reader(
            channel,
            subscription,
            start,
            only=command.only,
            caller=self.caller,
            items=command.items,
            greet=subscription.greet,
        )
        self.subscriptions[command.feed] = subscription
        self.hub.join(subscription.reader)
        # The next command may refer to this subscription, and its response must come after this one's.
        await subscription.answered.wait()

    def _unsubscribe(self, ref: str | int | None, feed: str) -> None:
        if feed not in self.subscriptions:
            raise Conflict(f"there is no subscription to {feed!r} on this connection")
        self._drop(feed)
        self.say({"op": "unsubscribed", "ref": ref, "feed": feed})

    def _drop(self, feed: str) -> None:
        subscription = self.subscriptions.pop(feed, None)
        if subscription is not None and subscription.reader is not None:
            subscription.reader.closed()

    async def _publish(self, command: Publish) -> None:
        self.authority.charge(self.caller, 1)
        done = await self.publishing.publish(self.caller, command.feed, command.item, key=command.key)
        self._acknowledge(command.ref, done)

    async def _change(self, command: Change) -> None:
        # As over HTTP: a hold or a kill is never one too many.
        if command.verb in ("patch", "release"):
            self.authority.charge(self.caller, 1)
        done = await self.publishing.change(
            self.caller,
            command.feed,
            command.item_id,
            command.verb,
            patch=command.patch,
            reason=command.reason,
            expects=command.version,
        )
        self._acknowledge(command.ref, done)

    def _acknowledge(self, ref: str | int | None, done: Done) -> None:
        head = orjson.dumps({"op": "ack", "ref": ref})
        self.outlet.write(text_frame(head[:-1] + b"," + done_json(done)[1:]))

    async def _renew(self, ref: str | int | None, token: str) -> None:
        """Replace the connection's credential. Subscriptions that the new one does not permit are ended."""
        caller = await self.authority.identify(token)
        self._release()
        self.caller = caller
        self._release = self.authority.watch(caller, self._ended)
        for feed, subscription in list(self.subscriptions.items()):
            if subscription.reader is not None:
                subscription.reader.caller = caller
                if not self.hub.settings[feed].settings.public and not caller.may(Role.READ, feed):
                    self.hub.farewell(subscription.reader, "forbidden", 4403)
        self.say({"op": "token", "ref": ref, "subject": caller.subject, "expires": caller.expires})

    # -- the end

    def unsubscribed(self, subscription: Subscription, code: int, reason: str, farewell: bytes) -> None:
        """The server ended a subscription; if the reason concerns all of them, close the connection."""
        if code in (1001, 1012):
            self.outlet.close(code, reason, farewell)
            return
        assert subscription.reader is not None
        feed = subscription.reader.channel.feed
        self.outlet.write(farewell)
        self._drop(feed)
        self.say({"op": "unsubscribed", "ref": subscription.ref, "feed": feed, "reason": reason})

    def _ended(self, reason: str) -> None:
        self._commands.clear()
        self.outlet.close(4401, reason)
