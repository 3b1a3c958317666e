"""An application on a real port, in the loop of the test: on uvicorn as it is, without anything of ours in it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from tests.waiting import until

__all__ = ["serving"]


@asynccontextmanager
async def serving(app: ASGIApp, **options: Any) -> AsyncIterator[str]:
    """Serve until left; gives the address. *options* are further ones of `uvicorn.Config`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", **options))
        running = asyncio.create_task(server.serve([listener]))
        try:
            await until(lambda: server.started or running.done())
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running
