"""Python as it is usually written: one queue and one task for each reader, JSON through the framework."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

queues: set[asyncio.Queue[str]] = set()


def event(number: int, size: int) -> str:
    text = json.dumps({"id": number, "data": {"headline": f"x ~ts={time.time_ns()} #{number}", "body": ""}})
    return text[:-3] + "x" * max(size - len(text), 0) + text[-3:]


async def publish(request: Request) -> Response:
    count, rate, size = (float(request.query_params[name]) for name in ("count", "rate", "bytes"))
    for number in range(int(count)):
        text = event(number, int(size))
        for queue in queues:
            queue.put_nowait(text)
        await asyncio.sleep(1 / rate if rate else 0)
    return Response()


async def sse(_: Request) -> Response:
    queue: asyncio.Queue[str] = asyncio.Queue()
    queues.add(queue)

    async def events() -> AsyncIterator[str]:
        try:
            while True:
                yield f"data: {await queue.get()}\n\n"
        finally:
            queues.discard(queue)

    return StreamingResponse(events(), media_type="text/event-stream")


async def websocket(socket: WebSocket) -> None:
    await socket.accept()
    queue: asyncio.Queue[str] = asyncio.Queue()
    queues.add(queue)

    async def send() -> None:
        while True:
            await socket.send_text(await queue.get())

    sending = asyncio.create_task(send())
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()
    sending.cancel()
    queues.discard(queue)


app = Starlette(routes=[Route("/publish", publish), Route("/sse", sse), WebSocketRoute("/ws", websocket)])
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", ws_per_message_deflate=False, backlog=4096)
