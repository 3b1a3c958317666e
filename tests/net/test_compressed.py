"""Compression as clients ask for it."""

from __future__ import annotations

import zlib

import orjson
from websockets.asyncio.client import connect
from websockets.frames import Opcode

from livefeed.compression import DEFLATED_FRAMES, GZIP
from livefeed.eventstream import SSE, EventStreamParser
from livefeed.frames import FRAMES
from livefeed.net import ConnectionLimits
from tests.net.serving import Client, Served, served

LONG = {"headline": "storm in the harbour " * 50}
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


def test_a_stream_in_gzip(direct: Served) -> None:
    with Client(direct) as client:
        head = client.get("/stream", "Accept-Encoding: gzip, br")
        assert "content-encoding: gzip" in head
        assert "vary: accept-encoding" in head
        outlet = direct.owner().outlet
        assert outlet.wire is GZIP
        inflater, parser = zlib.decompressobj(31), EventStreamParser()
        assert inflater.decompress(client.read(10)) == b""
        for name, data in (("hello", {"n": 1}), ("snapshot", LONG), ("heartbeat", {"n": 2})):
            block = outlet.wire.control("world", name, data, now=0)
            direct.call(lambda block=block: outlet.write(block))  # type: ignore[misc]
            (event,) = parser.feed(inflater.decompress(client.read(len(block))))
            assert event.type == name


def test_nobody_who_did_not_ask_gets_it(direct: Served) -> None:
    with Client(direct) as client:
        head = client.get("/stream", "Accept-Encoding: identity")
        assert "content-encoding" not in head
        assert direct.owner().outlet.wire is SSE
    with Client(direct) as client:
        assert "extensions" not in client.open_websocket()
        assert direct.owner().outlet.wire is FRAMES


def test_it_can_be_switched_off() -> None:
    with served("direct-uvloop", ConnectionLimits(compression=False)) as server, Client(server) as client:
        head = client.get("/stream", "Accept-Encoding: gzip")
        assert "content-encoding" not in head
        assert server.owner().outlet.wire is SSE
        with Client(server) as other:
            assert "extensions" not in other.open_websocket("/ws", OFFER)


def test_a_websocket_with_permessage_deflate(direct: Served) -> None:
    with Client(direct) as client:
        head = client.open_websocket("/ws", OFFER)
        assert "sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover" in head
        owner = direct.owner()
        wire = owner.outlet.wire
        assert wire is DEFLATED_FRAMES
        direct.call(lambda: owner.outlet.write(wire.control("world", "snapshot", LONG, now=0)))
        head_of_frame = client.read(4)
        assert head_of_frame[0] == 0xC1
        payload = client.read(int.from_bytes(head_of_frame[2:]))
        assert b"storm in the harbour" in zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff")
        direct.call(lambda: owner.outlet.write(wire.control("world", "hello", {}, now=0)))
        frame = client.frame()
        assert (frame.opcode, frame.rsv1) == (Opcode.TEXT, False)
        deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        message = (deflater.compress(b"hello hello") + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
        client.send(bytes([0xC1, 0x80 | len(message)]) + bytes(4) + message)
        owner.wait_for("hello hello")


async def test_another_implementation_understands_it(direct: Served) -> None:
    async with connect(f"ws://127.0.0.1:{direct.port}/ws", compression="deflate") as client:
        owner = direct.owner()
        assert owner.outlet.wire is DEFLATED_FRAMES
        for data in (LONG, {"n": 1}, LONG):
            direct.call(lambda data=data: owner.outlet.write(owner.outlet.wire.control("world", "snapshot", data, now=0)))  # type: ignore[misc]
            assert orjson.loads(await client.recv())["data"] == data
        await client.send("storm " * 100)
        await client.send("é" * 1_000)
        owner.wait_for("é" * 1_000)
        assert owner.told == ["storm " * 100, "é" * 1_000]


def test_a_bomb_is_cut_off(direct: Served) -> None:
    with Client(direct) as client:
        client.open_websocket("/ws", OFFER)
        owner = direct.owner()
        deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        bomb = (deflater.compress(b"x" * 50_000_000) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4][:65_000]
        client.send(b"\xc1\xfe" + len(bomb).to_bytes(2) + bytes(4) + bomb)
        while (frame := client.frame()).opcode is Opcode.PING:
            pass
        assert (frame.opcode, bytes(frame.data[:2])) == (Opcode.CLOSE, (1009).to_bytes(2))
    owner.wait_for("closed")
