from __future__ import annotations

import pytest

from producers.addresses import AddressRules, parse_network

FORBIDDEN = (
    "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1 172.31.255.255 "
    "192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 "
    "239.255.255.250 240.0.0.1 255.255.255.255 "
    ":: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1 2001::1 "
    "2001:db8::1 2002:7f00:1:: 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 2606:4700::1%eth0 fec0::1 ff02::1"
)
PUBLIC = "1.1.1.1 8.8.8.8 93.184.216.34 100.63.255.255 172.32.0.1 223.255.255.255 2606:4700::1111 2a00:1450:4001::200e"


@pytest.mark.parametrize("address", [*FORBIDDEN.split(), "", "localhost", "127.1", "1.1.1.1:80"])
def test_only_public_addresses_are_permitted(address: str) -> None:
    assert not AddressRules().permits(address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public_addresses(address: str) -> None:
    assert AddressRules().permits(address)


def test_an_operator_can_allow_others() -> None:
    rules = AddressRules([parse_network("127.0.0.1"), parse_network("10.1.0.0/16"), parse_network("fd00::/8")])
    assert all(rules.permits(address) for address in ("127.0.0.1", "10.1.2.3", "fd00::1", "1.1.1.1"))
    assert not any(rules.permits(address) for address in ("127.0.0.2", "10.2.0.1", "::1", "::ffff:127.0.0.1"))


@pytest.mark.parametrize("text", ["localhost", "10.0.0.1/8", "10.0.0.0/33", "", "127.0.0.1:80"])
def test_what_is_no_network_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address or a network such as"):
        parse_network(text)
