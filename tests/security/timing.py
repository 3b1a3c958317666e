"""`python -m tests.security.timing`: whether the time of a 401 tells where a key is wrong. Run it on a machine that is idle."""

from __future__ import annotations

import random
import socket
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import click

from tests.served import ADMIN_KEY, Server, running
from tests.stores import running_store

__all__ = ["compare", "measure", "wrong_keys"]

REQUESTS = 2_000


def wrong_keys(key: str, secret: int) -> dict[str, str]:
    """*key* with the first letter of its secret changed, which begins at *secret*, and with the last one."""
    first = "B" if key[secret] == "A" else "A"
    last = "B" if key[-1] == "A" else "A"
    return {"first": key[:secret] + first + key[secret + 1 :], "last": key[:-1] + last}


def measure(server: Server, keys: Mapping[str, str], requests: int) -> dict[str, list[float]]:
    """The seconds that *requests* 401s took for each of *keys*, on one connection and in random order."""
    heads = {
        name: f"GET /v1/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode() for name, key in keys.items()
    }
    turns = [name for name in keys for _ in range(requests)]
    random.Random(1).shuffle(turns)
    taken: dict[str, list[float]] = {name: [] for name in keys}
    with socket.create_connection(server.address, timeout=15) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for name in turns:
            began = time.perf_counter()
            connection.sendall(heads[name])
            heard = connection.recv(65536)
            while b"\r\n\r\n" not in heard or not heard.endswith(b"}"):
                heard += connection.recv(65536)
            taken[name].append(time.perf_counter() - began)
            assert heard.startswith(b"HTTP/1.1 401 "), heard
    return taken


def compare(taken: Mapping[str, list[float]]) -> str:
    first, last = taken["first"], taken["last"]
    difference = abs(statistics.median(first) - statistics.median(last))
    deviation = statistics.stdev([*first, *last])
    return (
        f"median {statistics.median(first) * 1e6:.1f} µs and {statistics.median(last) * 1e6:.1f} µs, standard deviation "
        f"{deviation * 1e6:.1f} µs: the difference is {difference / deviation:.1%} of it"
    )


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="livefeed-") as folder,
        running_store() as store,
        running(Path(folder), store.url, LIVEFEED_WORKERS="1") as server,
    ):
        with server.client() as admin:
            made = admin.post("/v1/keys", json={"name": "reader", "grants": {"read": ["*"]}}).json()["key"]
        for what, keys in {"the admin key": wrong_keys(ADMIN_KEY, 0), "a made key": wrong_keys(made, len(made) - 43)}.items():
            measure(server, keys, 200)
            click.echo(f"{what}: {compare(measure(server, keys, REQUESTS))}")


if __name__ == "__main__":
    main()
