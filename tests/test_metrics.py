from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from livefeed.counters import Counters
from livefeed.metrics import Board, Exposition, FeedFigures


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_one_worker_tells_what_it_counted() -> None:
    counters = Counters()
    exposition = Exposition(Board(1), 0, counters, "1.2.3")
    counters.deliveries += 41
    counters.readers_sse = 2
    counters.readers_websocket = 3
    counters.append_seconds.observe(0.002)
    counters.append_seconds.observe(99)
    told = samples(exposition.text())
    assert told["livefeed_deliveries_total", (("worker", "0"),)] == 41
    assert told["livefeed_readers", (("transport", "sse"), ("worker", "0"))] == 2
    assert told["livefeed_readers", (("transport", "websocket"), ("worker", "0"))] == 3
    assert told["livefeed_append_seconds_bucket", (("le", "0.001"), ("worker", "0"))] == 0
    assert told["livefeed_append_seconds_bucket", (("le", "0.0025"), ("worker", "0"))] == 1
    assert told["livefeed_append_seconds_count", (("worker", "0"),)] == 2
    assert told["livefeed_append_seconds_sum", (("worker", "0"),)] == pytest.approx(99.002)
    assert told["livefeed_build_info", (("version", "1.2.3"),)] == 1
    assert told["livefeed_worker_resident_bytes", (("worker", "0"),)] > 1_000_000


def test_any_worker_tells_of_all(tmp_path: Path) -> None:
    descriptor = Board.share(2, tmp_path)
    assert not list(tmp_path.iterdir())
    first, second = Counters(), Counters()
    told_first = Exposition(Board(2, descriptor), 0, first, "1")
    told_second = Exposition(Board(2, descriptor), 1, second, "1")
    os.close(descriptor)
    first.deliveries, second.deliveries = 1, 2
    told_second.copy()
    told = samples(told_first.text())
    assert told["livefeed_deliveries_total", (("worker", "0"),)] == 1
    assert told["livefeed_deliveries_total", (("worker", "1"),)] == 2


def test_feeds_tell_when_they_last_had_news() -> None:
    told = samples(Exposition(Board(1), 0, Counters(), "1").text([FeedFigures("world", 1795435200.123, 7)]))
    assert told["livefeed_feed_head_timestamp_seconds", (("feed", "world"),)] == 1795435200.123
    assert told["livefeed_feed_readers", (("feed", "world"),)] == 7


def test_restarted_worker_counts_on() -> None:
    """A counter never falls; a gauge begins anew."""
    board = Board(1)
    before = Counters(deliveries=5, readers_sse=7)
    before.append_seconds.observe(0.5)
    Exposition(board, 0, before, "1").copy()
    after = Counters(deliveries=1)
    after.append_seconds.observe(0.5)
    told = samples(Exposition(board, 0, after, "1").text())
    assert told["livefeed_deliveries_total", (("worker", "0"),)] == 6
    assert told["livefeed_append_seconds_count", (("worker", "0"),)] == 2
    assert told["livefeed_readers", (("transport", "sse"), ("worker", "0"))] == 0


def test_what_the_documentation_names_is_told() -> None:
    document = (Path(__file__).parent.parent / "docs" / "operating.md").read_text(encoding="utf-8")
    told = {name for name, _ in samples(Exposition(Board(1), 0, Counters(), "1").text([FeedFigures("f", 0, 0)]))}
    for name in set(re.findall(r"`(livefeed_\w+)`", document)):
        assert name in told or f"{name}_count" in told, name
