"""Ticks: periodic work wakes together, and as often as it asks for."""

from __future__ import annotations

import pytest

from livefeed.ticks import STEP, until_tick

NOW = 1_000.123


def tick(now: float, seconds: float) -> float:
    return now + until_tick(now, seconds)


@pytest.mark.parametrize("seconds", [STEP, 2 * STEP, 4 * STEP])
def test_a_round_that_takes_a_while_keeps_its_period(seconds: float) -> None:
    first = tick(NOW, seconds)
    assert tick(first + STEP / 10, seconds) == pytest.approx(first + seconds)


def test_all_wake_at_the_same_moments() -> None:
    first = tick(NOW, 2.0)
    for late in range(1, 10):
        assert (tick(NOW + late / 10, 2.0) - first) % STEP == pytest.approx(0, abs=1e-6) or (
            tick(NOW + late / 10, 2.0) - first
        ) % STEP == pytest.approx(STEP)


@pytest.mark.parametrize("seconds", [0.0, 0.1, STEP / 2, STEP, 1.9])
def test_it_is_neither_much_sooner_nor_much_later_and_never_now(seconds: float) -> None:
    for late in range(50):
        wait = until_tick(NOW + late / 100, seconds)
        assert wait > 0
        assert abs(wait - seconds) <= STEP / 2 + 1e-6 or (seconds < STEP and 0 < wait <= STEP + 1e-6)
