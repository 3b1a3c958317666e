"""RFC 6455 by somebody else's test suite, against an echo on a handed-over connection."""

from __future__ import annotations

import kosoku
import pytest
from websockets.frames import Frame, Opcode

from livefeed.outlets import Outlet
from tests.net.serving import Served, TinyOwner

LEFT_OUT = ["9.*", "12.*", "13.*"]
"""Messages above our size limit, and the compression of messages."""


class EchoOwner(TinyOwner):
    def receive(self, message: str | bytes, /) -> None:
        opcode, payload = (Opcode.TEXT, message.encode()) if isinstance(message, str) else (Opcode.BINARY, message)
        self.outlet.write(Frame(opcode, payload).serialize(mask=False))


@pytest.mark.timeout(180)
async def test_the_cases_of_autobahn(direct: Served) -> None:
    def start(outlet: Outlet) -> TinyOwner:
        direct.owners.append(EchoOwner(outlet, b""))
        return direct.owners[-1]

    direct.start = start  # type: ignore[method-assign]
    results = await kosoku.run_fuzzingclient(f"ws://127.0.0.1:{direct.port}/ws", exclude_cases=LEFT_OUT)

    assert len(results) > 240
    bad = {"FAILED", "ERROR", "UNIMPLEMENTED", "UNCLEAN", "WRONG CODE", "FAILED BY CLIENT"}
    failed = {
        r.case_id: (r.behavior.value, r.behavior_close.value) for r in results if {r.behavior.value, r.behavior_close.value} & bad
    }
    assert failed == {}
