from __future__ import annotations

import socket
import sys

import pytest

from livefeed.exceptions import ConfigError
from livefeed.server.listeners import Listeners


def listen(host: str = "127.0.0.1", port: int = 0, workers: int = 2) -> Listeners:
    return Listeners(host, port, workers, send_buffer=65536, dead_after=7)


def test_all_workers_listen_on_one_port() -> None:
    listeners = listen(workers=3)
    assert [len(sockets) for sockets in listeners.of_worker] == [1, 1, 1]
    assert {listener.getsockname()[1] for listener in listeners} == {listeners.port}
    listeners.close()


def test_accepted_connections_inherit_the_bounds() -> None:
    listeners = listen(workers=1)
    with socket.create_connection(("127.0.0.1", listeners.port)):
        accepted, _ = next(iter(listeners)).accept()
        with accepted:
            # Linux counts its own bookkeeping too, and doubles what it was asked for.
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) in (65536, 131072)
            if sys.platform == "linux":
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000
    listeners.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the workers share one socket")
def test_kernel_spreads_connections() -> None:
    listeners = listen(workers=2)
    accepted = [0, 0]
    for sockets in listeners.of_worker:
        sockets[0].setblocking(False)
    clients = [socket.create_connection(("127.0.0.1", listeners.port)) for _ in range(400)]
    for number, sockets in enumerate(listeners.of_worker):
        while True:
            try:
                sockets[0].accept()[0].close()
            except BlockingIOError:
                break
            accepted[number] += 1
    for client in clients:
        client.close()
    listeners.close()
    assert sum(accepted) == 400
    assert 160 <= accepted[0] <= 240


def test_port_in_use_is_told() -> None:
    """Also when the other one is a server of the same kind, with whom SO_REUSEPORT would share."""
    first = listen()
    with pytest.raises(ConfigError, match=rf"port {first.port} on 127\.0\.0\.1 is in use by another program"):
        listen(port=first.port)
    first.close()


def test_port_of_a_server_that_is_going_is_waited_for() -> None:
    import threading

    first = listen()
    threading.Timer(0.2, first.close).start()
    listen(port=first.port).close()


def test_unknown_host_is_told() -> None:
    with pytest.raises(ConfigError, match=r"LIVEFEED_HOST '203\.0\.113\.x' is no address of this machine"):
        listen("203.0.113.x")


def test_address_of_another_machine_is_told() -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on 203\.0\.113\.1"):
        listen("203.0.113.1")


def test_every_address_of_the_name() -> None:
    listeners = listen("localhost", workers=1)
    assert {listener.getsockname()[1] for listener in listeners} == {listeners.port}
    listeners.close()
