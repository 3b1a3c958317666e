"""The end of a request that is refused."""

from __future__ import annotations

import orjson

from tests.net.serving import Client


def problem(client: Client, status: int) -> str:
    """The detail of the problem document that ends the connection."""
    head = client.head()
    assert head.startswith(f"http/1.1 {status} "), head
    assert "connection: close" in head
    body = orjson.loads(client.read_to_end())
    assert body["status"] == status
    return str(body["detail"])
