from __future__ import annotations

import pytest

from livefeed.exceptions import ConfigError
from livefeed.proxies import TrustedProxies, is_secure

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
        ("10.0.0.1", ["[2a00::5]"], "2a00::5"),
        ("10.0.0.1", ["1.1.1.1, junk"], "10.0.0.1"),
        ("not an address", ["203.0.113.7"], "not an address"),
    ],
)
def test_the_client_is_the_last_who_is_no_proxy(peer: str | None, header: list[str], client: str) -> None:
    assert PROXIES.client(peer, header) == client


@pytest.mark.parametrize("network", ["*", "proxy.example", "10.0.0.1/8", "", "10.0.0.0/33"])
def test_networks_that_are_none_stop_the_start(network: str) -> None:
    with pytest.raises(ConfigError):
        TrustedProxies([network])


@pytest.mark.parametrize(
    ("header", "secure"),
    [
        (["https"], True),
        (["HTTPS"], True),
        (["wss"], True),
        (["http, https"], True),
        (["http", "https "], True),
        (["https, http"], False),
        (["http"], False),
        ([""], False),
        ([], False),
    ],
)
def test_the_scheme_is_the_last_that_was_reported(header: list[str], secure: bool) -> None:
    assert is_secure(header) is secure
