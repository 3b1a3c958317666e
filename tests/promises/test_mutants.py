"""A proof that finds no faults proves nothing: every mutant must be found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.promises.mutants import MUTANTS, Mutant

ALL = "LIVEFEED_TEST_MUTANTS" in os.environ
"""`make chaos` tries all of them."""

QUICK = ("no density check", "the removed are not remembered", "a hold is dropped", "begun again at the head, like $")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", [m for m in MUTANTS if ALL or m.name in QUICK], ids=lambda mutant: mutant.name)
def test_a_mutant_is_killed(mutant: Mutant, tmp_path: Path) -> None:
    mutant.build(tmp_path)
    assert not mutant.survives(tmp_path, examples=300, seeds=4_000), "the tests do not see this fault"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_about_the_code_as_it_is(mutant: Mutant, tmp_path: Path) -> None:
    mutant.build(tmp_path)
