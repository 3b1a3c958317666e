from __future__ import annotations

import pytest

from livefeed.exceptions import TooManyRequests
from livefeed.limits import Addresses, Bucket, Meter, Rate


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    bucket = Bucket(Rate(10, 5), now=0)
    assert [bucket.take(1, 0) for _ in range(5)] == [0] * 5
    assert bucket.take(1, 0) == pytest.approx(0.1)
    assert bucket.take(1, 0.1) == 0


def test_200_at_once_with_a_limit_of_50_lets_50_through() -> None:
    meter = Meter(Rate(50, 50))
    for _ in range(50):
        meter.charge("k", 1, now=100.0)
    for _ in range(150):
        with pytest.raises(TooManyRequests) as caught:
            meter.charge("k", 1, now=100.0)
        assert caught.value.retry_after == 1
    meter.charge("another key", 1, now=100.0)


def test_a_batch_above_the_burst_passes_once_and_leaves_a_debt() -> None:
    meter = Meter(Rate(10, 20))
    meter.charge("k", 100, now=0)
    with pytest.raises(TooManyRequests) as caught:
        meter.charge("k", 1, now=0)
    assert caught.value.retry_after == 9
    meter.charge("k", 1, now=8.2)


def test_a_clock_that_goes_back_gives_nothing_for_free() -> None:
    bucket = Bucket(Rate(1, 1), now=100)
    assert bucket.take(1, 100) == 0
    assert bucket.take(1, 50) > 0


def test_the_meter_forgets_the_key_that_was_quiet_longest() -> None:
    meter = Meter(Rate(1, 1), keys=2)
    for key in ("a", "b", "c"):
        meter.charge(key, 1, now=0)
    meter.charge("a", 1, now=0)
    with pytest.raises(TooManyRequests):
        meter.charge("c", 1, now=0)


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_rate_of_nothing_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError):
        Rate(rate, burst)


def test_an_address_gets_its_connections_and_no_more() -> None:
    addresses = Addresses(2)
    assert addresses.enter("192.0.2.1")
    assert addresses.enter("::ffff:192.0.2.1")
    assert not addresses.enter("192.0.2.1")
    assert addresses.enter("192.0.2.2")
    addresses.leave("192.0.2.1")
    assert addresses.enter("192.0.2.1")


def test_an_ipv6_site_counts_as_one_address() -> None:
    addresses = Addresses(1)
    assert addresses.enter("2001:db8::1")
    assert not addresses.enter("2001:db8::ffff:2")
    assert addresses.enter("2001:db8:0:1::1")
    addresses.leave("2001:db8::7")
    addresses.leave("2001:db8:0:1::9")
    assert len(addresses) == 0


def test_a_unix_socket_has_an_address_too() -> None:
    addresses = Addresses(1)
    assert addresses.enter("")
    assert not addresses.enter("")
