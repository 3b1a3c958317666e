"""Every interleaving of a server with its readers, by seed."""

from __future__ import annotations

import os

import pytest

from tests.promises.simulation import Simulation
from tests.promises.worker import quiet

SEEDS = int(os.environ.get("LIVEFEED_TEST_SEEDS", "2000"))
"""`make chaos` runs 20,000."""

PART = max(SEEDS // 4, 1)


@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_no_reader_is_told_anything_but_what_happened(first: int) -> None:
    with quiet():
        for seed in range(first, first + PART):
            try:
                Simulation(seed).run()
            except Exception as exc:
                raise AssertionError(f"seed {seed}: {exc!r}") from exc


def test_a_seed_is_one_run() -> None:
    """What is found can be found again: the same seed draws the same deeds, with the same end."""
    with quiet():
        runs = [Simulation(7), Simulation(7)]
        for run in runs:
            run.run()
    one, other = ([told.cursor for told in run.log.branch.line] for run in runs)
    assert one == other
    assert runs[0].random.getstate() == runs[1].random.getstate()
