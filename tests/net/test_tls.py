"""TLS takes the same path."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from websockets.frames import Opcode

from livefeed.eventstream import sse_block
from livefeed.frames import text_frame
from tests.certificates import make_certificate
from tests.net.serving import Client, Kind, served


@pytest.mark.parametrize("kind", ["direct-uvloop", "direct-asyncio"])
def test_tls_readers_are_handed_over_too(kind: Kind, tmp_path: Path) -> None:
    chain, key = make_certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(chain))
    with served(kind, ssl_certfile=str(chain), ssl_keyfile=str(key)) as server:
        server.greeting = text_frame(b"1")
        with Client(server, tls=trust) as client:
            client.open_websocket()
            owner = server.owner()
            assert client.frame().data == b"1"
            client.send_frame(Opcode.TEXT, b"hello")
            owner.wait_for("hello")
            client.send(b"\x83\x80\0\0\0\0")
            assert client.frame().opcode == Opcode.CLOSE
        owner.wait_for("closed")
        server.greeting = sse_block(b"1")
        with Client(server, tls=trust) as client:
            client.get("/stream")
            owner = server.owner()
            assert client.events(1)[0].data == "1"
            assert server.call(lambda: len(server.network)) == 1
            server.call(lambda: owner.outlet.close(farewell=sse_block(b"2")))
            assert client.events(1)[0].data == "2"
        owner.wait_for("closed")
