"""TLS on both sides: clients speak it to the server, and the server to Redis, with a certificate made here."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.certificates import make_certificate
from tests.ports import settled_port
from tests.served import ADMIN_KEY, running
from tests.stores import Store


@pytest.fixture(scope="module")
def certificate() -> Iterator[Path]:
    """A folder with `chain.pem`, which is its own authority, and `key.pem`, for 127.0.0.1."""
    with tempfile.TemporaryDirectory(prefix="livefeed-") as folder:
        make_certificate(Path(folder))
        yield Path(folder)


def _redis_with_tls() -> str:
    for name in ("redis-server", "valkey-server"):
        program = shutil.which(name)
        if program is not None:
            libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
            if "libssl" in libraries:
                return program
    if os.environ.get("CI") == "true":
        pytest.fail("there is no redis-server or valkey-server with TLS on the PATH")
    pytest.skip("there is no redis-server or valkey-server with TLS on the PATH")


@pytest.fixture(scope="module")
def tls_store(certificate: Path) -> Iterator[tuple[Store, int]]:
    """A Redis that also listens with TLS, and its port."""
    port = settled_port()
    with tempfile.TemporaryDirectory(prefix="livefeed-") as folder:
        files = ("--tls-cert-file", str(certificate / "chain.pem"), "--tls-key-file", str(certificate / "key.pem"))
        options = ("--tls-port", str(port), "--tls-ca-cert-file", str(certificate / "chain.pem"), "--tls-auth-clients", "no")
        # The bundled store is built without TLS: nobody speaks to it over a network.
        store = Store(Path(folder), *files, *options, program=_redis_with_tls())
        store.start()
        yield store, port
        store.kill()


def test_everything_works_over_tls(certificate: Path, tls_store: tuple[Store, int], tmp_path: Path) -> None:
    cert = certificate / "chain.pem"
    settings = {"LIVEFEED_TLS_CERTIFICATE": str(cert), "LIVEFEED_TLS_KEY": str(certificate / "key.pem")}
    trust = ssl.create_default_context(cafile=str(cert))
    with running(tmp_path, f"rediss://127.0.0.1:{tls_store[1]}?ssl_ca_certs={cert}", **settings) as server:
        assert server.url.startswith("https://")
        with httpx2.Client(base_url=server.url, verify=trust, trust_env=False, timeout=15) as client:
            key = {"authorization": f"Bearer {ADMIN_KEY}"}
            assert client.put("/v1/feeds/world", json={}, headers=key).status_code == 201
            assert client.post("/v1/feeds/world/items", json={"headline": "Over TLS"}, headers=key).status_code == 201
            cookie = client.post("/v1/session", headers=key).headers["set-cookie"]
            assert cookie.startswith("__Host-livefeed=")
            assert "Secure" in cookie
            assert client.get("/v1/session").json()["subject"] == "admin"
            with client.stream("GET", "/v1/feeds/world/events?last=5", headers={"accept": "text/event-stream"}) as stream:
                heard = ""
                for chunk in stream.iter_text():
                    heard += chunk
                    if "Over TLS" in heard:
                        break
            assert "Over TLS" in heard
        with server.websocket("/v1/feeds/world/events?last=5", ssl=trust) as opened:
            assert "Over TLS" in str(opened.recv(10)) + str(opened.recv(10))
        with pytest.raises(httpx2.TransportError):
            httpx2.get(server.url + "/livez", trust_env=False)
        plain = server.exchange(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"alive" not in plain


def test_a_redis_whose_certificate_nobody_vouches_for_is_not_used(tls_store: tuple[Store, int], tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="cannot be used"), running(tmp_path, f"rediss://127.0.0.1:{tls_store[1]}"):
        pass


def test_half_of_what_tls_needs_stops_the_start(certificate: Path, tls_store: tuple[Store, int], tmp_path: Path) -> None:
    settings = {"LIVEFEED_TLS_CERTIFICATE": str(certificate / "nowhere.pem"), "LIVEFEED_TLS_KEY": str(certificate / "key.pem")}
    with pytest.raises(RuntimeError), running(tmp_path, tls_store[0].url, **settings):
        pass


def test_a_handshake_that_is_never_finished_is_ended(certificate: Path, own_store: Store, tmp_path: Path) -> None:
    """Before it is finished no limit counts the connection, so that this deadline is all there is."""
    settings = {
        "LIVEFEED_TLS_CERTIFICATE": str(certificate / "chain.pem"),
        "LIVEFEED_TLS_KEY": str(certificate / "key.pem"),
    }
    with (
        running(tmp_path, own_store.url, **settings) as server,
        socket.create_connection(server.address, timeout=15) as connection,
    ):
        connection.sendall(b"\x16\x03\x01")
        assert server.rest(connection) == b""
