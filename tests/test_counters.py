from __future__ import annotations

from livefeed.counters import Counters, Histogram


def test_histogram_includes_its_bounds() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.5):
        histogram.observe(value)
    assert histogram.counts == [2, 2, 1]
    assert histogram.total == 7.5


def test_counters_are_their_own() -> None:
    first, second = Counters(), Counters()
    first.deliveries += 1
    first.append_seconds.observe(1.0)
    assert second.deliveries == 0
    assert sum(second.append_seconds.counts) == 0
