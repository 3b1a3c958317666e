from __future__ import annotations

import pytest

from livefeed.auth.forwarded import TrustedProxies
from livefeed.exceptions import ConfigError
from tests.auth.door import Door

PROXIES = TrustedProxies(["10.0.0.0/8", "2001:db8::/32", "unix"])


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("192.0.2.1", ["203.0.113.7"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["10.9.9.9, 10.0.0.2"], "10.9.9.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7, junk"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("2001:db8::1", ["2a00::5"], "2a00::5"),
        (None, ["203.0.113.7"], "203.0.113.7"),
    ],
)
def test_the_client_is_the_last_who_is_no_proxy(peer: str | None, header: list[str], client: str) -> None:
    assert PROXIES.client(peer, header) == client


@pytest.mark.parametrize("network", ["*", "proxy.example", "10.0.0.1/8", "", "10.0.0.0/33"])
def test_networks_that_are_none_stop_the_start(network: str) -> None:
    with pytest.raises(ConfigError):
        TrustedProxies([network])


async def test_the_application_sees_whom_a_proxy_reports(door: Door) -> None:
    named = Door(door.redis, proxies=["10.0.0.1"])
    sent = {"x_forwarded_for": "6.6.6.6, 203.0.113.7", "x_forwarded_proto": "https"}
    async with named.client(peer="10.0.0.1", **sent) as client:
        answer = (await client.get("/v1/feeds/a/whoami")).json()
    assert (answer["client"], answer["scheme"]) == ("203.0.113.7", "https")
    async with named.client(peer="10.0.0.2", **sent) as client:
        answer = (await client.get("/v1/feeds/a/whoami")).json()
    assert (answer["client"], answer["scheme"]) == ("10.0.0.2", "http")
