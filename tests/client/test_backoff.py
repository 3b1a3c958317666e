from __future__ import annotations

from livefeed.client.backoff import Backoff


def test_waits_are_spread_below_a_bound_that_doubles_up_to_the_cap() -> None:
    for failures, bound in enumerate([1.0, 2.0, 4.0, 5.0, 5.0]):
        waits = []
        for _ in range(200):
            backoff = Backoff(base=1.0, cap=5.0)
            for _ in range(failures):
                backoff.next()
            waits.append(backoff.next())
        assert 0 <= min(waits) < bound * 0.2
        assert bound * 0.8 < max(waits) <= bound


def test_a_long_night_does_not_overflow() -> None:
    backoff = Backoff()
    assert all(0 <= backoff.next() <= backoff.cap for _ in range(5000))


def test_success_starts_again() -> None:
    backoff = Backoff(base=0.5, cap=1e9)
    for _ in range(20):
        backoff.next()
    backoff.reset()
    assert backoff.next() <= 0.5
