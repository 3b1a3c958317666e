from __future__ import annotations

import pytest

from livefeed.exceptions import ConfigError
from livefeed.log.addresses import Address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache.example", Address("single", hosts=(("cache.example", 6379),))),
        ("redis://h:7/3", Address("single", hosts=(("h", 7),), database=3)),
        ("redis://h/?db=3", Address("single", hosts=(("h", 6379),), database=3)),
        ("redis://u:p%40ss@h", Address("single", hosts=(("h", 6379),), username="u", password="p@ss")),
        ("redis://:p@[::1]:7", Address("single", hosts=(("::1", 7),), password="p")),
        ("unix:///run/r%20s.sock?db=1", Address("single", socket="/run/r s.sock", database=1)),
        ("rediss://h?ssl_ca_certs=/ca.pem", Address("single", hosts=(("h", 6379),), tls={"ssl_ca_certs": "/ca.pem"})),
        ("redis+sentinel://a,b:7/mm/2", Address("sentinel", hosts=(("a", 26379), ("b", 7)), service="mm", database=2)),
        ("rediss+cluster://a:1,b:2", Address("cluster", hosts=(("a", 1), ("b", 2)), tls={})),
    ],
)
def test_parse(url: str, expected: Address) -> None:
    assert Address.parse(url) == expected


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://h", "begin with one of"),
        ("h:6379", "begin with one of"),
        ("redis://h:port", "'h:port'"),
        ("redis://h/news", "'news'"),
        ("redis://h/0/1", "'/0/1'"),
        ("redis://h?socket_timeout=9", "'socket_timeout'"),
        ("redis+sentinel://h", "must name the service"),
        ("redis+cluster://h/1", "'/1'"),
    ],
)
def test_parse_names_what_is_wrong(url: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named.replace("?", r"\?")):
        Address.parse(url)


def test_password_is_never_shown() -> None:
    address = Address.parse("rediss+sentinel://user:SECRET@a,b:7/mm")
    assert str(address) == "rediss+sentinel://a:26379,b:7/mm"
    assert "SECRET" not in repr(address)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("redis://127.3.2.1", True),
        ("redis://[::1]", True),
        ("redis://localhost", True),
        ("unix:///s", True),
        ("redis://redis", False),
        ("redis+cluster://127.0.0.1,10.0.0.1", False),
    ],
)
def test_loopback(url: str, loopback: bool) -> None:
    assert Address.parse(url).loopback is loopback
