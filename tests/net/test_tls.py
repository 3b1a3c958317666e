"""TLS takes the same path."""

from __future__ import annotations

import datetime
import ssl
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.frames import Opcode

from livefeed.eventstream import sse_block
from livefeed.frames import text_frame
from tests.net.serving import Client, Kind, served


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize("kind", ["direct-uvloop", "direct-asyncio"])
def test_tls_readers_are_handed_over_too(kind: Kind, certificate: Path) -> None:
    trust = ssl.create_default_context(cafile=str(certificate))
    trust.check_hostname = False
    with served(kind, ssl_certfile=str(certificate)) as server:
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
