"""The proofs by model and by simulation, at their full size."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.chaos.rig import Outcome, Scale
from tests.promises.mutants import MUTANTS

__all__ = ["model", "mutants", "simulation"]

ROOT = Path(__file__).parents[2]


async def _passes(*arguments: str, **environ: str) -> bool:
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=os.environ | environ, stdout=pipe)
    try:
        told, _ = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        sys.stderr.buffer.write(told)
    return process.returncode == 0


async def model(scale: Scale) -> Outcome:
    """Model-based test of the log in a real Redis."""
    examples = scale.of(2_000, 20)
    passed = await _passes("tests/promises/test_log_model.py", LIVEFEED_TEST_EXAMPLES=str(examples))
    return Outcome({"examples": examples, "steps each": 50}, int(not passed))


async def simulation(scale: Scale) -> Outcome:
    """Deterministic simulation of server and readers."""
    seeds = scale.of(20_000, 400)
    passed = await _passes("tests/promises/test_simulation.py", LIVEFEED_TEST_SEEDS=str(seeds))
    return Outcome({"seeds": seeds, "steps each": 100}, int(not passed))


async def mutants(scale: Scale) -> Outcome:
    """Mutants: deliberate faults, each of which the model or the simulation must detect."""
    if not scale.full:
        return Outcome({"mutants": 0}, 0)
    passed = await _passes("tests/promises/test_mutants.py", "-k", "killed", LIVEFEED_TEST_MUTANTS="1")
    return Outcome({"mutants": len(MUTANTS), "killed": len(MUTANTS) if passed else "not all"}, int(not passed))
