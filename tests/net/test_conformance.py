"""RFC 6455 by somebody else's test suite, against an echo on a handed-over connection."""

from __future__ import annotations

import kosoku
import pytest
from websockets.frames import Frame, Opcode

from livefeed.net import ConnectionLimits
from livefeed.outlets import Outlet
from tests.net.serving import Kind, TinyOwner, served

LEFT_OUT = ["9.*", "12.*", "13.*"]
"""Messages above our size limit, and the compression of messages."""

QUIET = ConnectionLimits(ping_interval=3600)
"""A ping of ours in the middle of a case is legal, and nothing that the case expects."""


class EchoOwner(TinyOwner):
    def receive(self, message: str | bytes, /) -> None:
        opcode, payload = (Opcode.TEXT, message.encode()) if isinstance(message, str) else (Opcode.BINARY, message)
        self.outlet.write(Frame(opcode, payload).serialize(mask=False))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", ["direct-uvloop", "direct-asyncio"])
async def test_the_cases_of_autobahn(kind: Kind) -> None:
    with served(kind, QUIET) as server:

        def start(outlet: Outlet) -> TinyOwner:
            server.owners.append(EchoOwner(outlet, b""))
            return server.owners[-1]

        server.start = start  # type: ignore[method-assign]
        results = await kosoku.run_fuzzingclient(f"ws://127.0.0.1:{server.port}/ws", exclude_cases=LEFT_OUT)
        assert len(results) > 240
