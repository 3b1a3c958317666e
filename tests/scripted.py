"""A server that answers each request with the next line of a script: for the faults that a good server cannot be made to show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

Reply = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@dataclass
class Request:
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Script:
    """The replies to come, and the requests that came; after the last reply connections are cut without an answer."""

    replies: list[Reply]
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    port: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.requests.append(await _request(reader))
            if self.replies:
                reply = self.replies.pop(0)
                if callable(reply):
                    await reply(reader, writer)
                else:
                    writer.write(reply)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    return Request(method, parts.path, parse_qsl(parts.query), headers, body)


@asynccontextmanager
async def scripted(*replies: Reply, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Script]:
    script = Script(list(replies))
    server = await asyncio.start_server(script.accept, host, port)
    script.port = server.sockets[0].getsockname()[1]
    script.url = f"http://{host}:{script.port}"
    async with server:
        yield script
    await asyncio.gather(*script.tasks)


def answer(status: int, body: Any, *headers: str, type: str = "application/json") -> bytes:  # noqa: A002  # HTTP's name
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    head = [f"HTTP/1.1 {status} Word", f"Content-Type: {type}", f"Content-Length: {len(content)}", "Connection: close"]
    return "\r\n".join([*head, *headers, "", ""]).encode() + content


def problem(status: int, detail: str, *headers: str, **more: Any) -> bytes:
    return answer(status, {"type": "about:blank", "title": "Title", "status": status, "detail": detail, **more}, *headers)


def stream_event(name: str, data: dict[str, Any], cursor: str | None = None) -> bytes:
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"x-{name}",
        "source": "/v1/feeds/world",
        "type": f"live.stream.{name}",
        "time": "2026-11-23T12:00:00.000Z",
        "data": data,
    }
    moved = b""
    if cursor is not None:
        envelope["cursor"] = cursor
        moved = b"id: %s\n" % cursor.encode()
    return b"event: %s\n%sdata: %s\n\n" % (name.encode(), moved, orjson.dumps(envelope))


def item_event(seq: int, headline: str = "Something happened.") -> bytes:
    cursor = f"1795435200000-{seq}"
    envelope = {
        "specversion": "1.0",
        "id": cursor,
        "source": "/v1/feeds/world",
        "type": "live.item.published",
        "time": "2026-11-23T12:00:00.000Z",
        "subject": f"urn:item:{seq}",
        "data": {"id": str(seq), "headline": headline, "version": 1},
    }
    return b"id: %s\ndata: %s\n\n" % (cursor.encode(), orjson.dumps(envelope))


def hello(**data: Any) -> bytes:
    return stream_event("hello", {"feed": "world", "head": "1795435200000-0", "resumed": None, "heartbeat": 15, **data})


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say hello with a short heartbeat, then nothing until the other end hangs up."""
    writer.write(STREAM + hello(heartbeat=0.05))
    await reader.read()
