"""A whole server with its readers, and nothing real but its rules: what happens next is drawn from a seed.

python -m tests.promises.simulation --seeds 20000 [--first N]
"""

from __future__ import annotations

import argparse
from random import Random

from tests.promises.crowd import Crowd
from tests.promises.toy_log import ToyLog
from tests.promises.worker import quiet

__all__ = ["Simulation"]


class Simulation:
    """One run. Everything in it follows from *seed*."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.log = ToyLog(self.random)
        for _ in range(self.random.randrange(8)):
            self.log.publish()
        self.crowd = Crowd(self.log, self.random, self.random.choice([1, 2, 2, 3]))
        # How lively each kind of thing is differs from run to run, or all runs would be alike.
        self.deeds = {
            deed: weight * self.random.choice([0.2, 1, 1, 3])
            for deed, weight in {
                self.log.publish: 12.0,
                self.log.update: 3.0,
                self.log.kill: 3.0,
                self.log.trim: 1.5,
                self.log.damage: 0.4,
                self.log.save: 0.7,
                self.fail_over: 0.5,
                self.log.flush: 0.1,
                self.log.delete: 0.1,
                self.log.make: 0.5,
                self.crowd.join: 6.0,
                self.crowd.come_back: 3.0,
                self.crowd.slow: 2.0,
                self.crowd.fast: 5.0,
                self.crowd.leave: 1.0,
                self.crowd.beat: 2.0,
                self.crowd.follow: 10.0,
                self.crowd.step: 25.0,
                self.crowd.carry_out: 10.0,
                self.crowd.answer: 10.0,
                self.crowd.fail: 0.7,
                self.crowd.lose_redis: 0.7,
                self.crowd.recover: 4.0,
                self.crowd.end_worker: 0.3,
            }.items()
        }

    def run(self, steps: int = 100) -> None:
        for deed in self.random.choices(list(self.deeds), list(self.deeds.values()), k=steps):
            deed()
            self.log.given.clock += 400
        self.log.make()
        self.crowd.settle()

    def fail_over(self) -> None:
        self.log.fail_over()
        self.crowd.another_history()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=2_000)
    parser.add_argument("--first", type=int, default=0)
    wanted = parser.parse_args()
    with quiet():
        for seed in range(wanted.first, wanted.first + wanted.seeds):
            try:
                Simulation(seed).run()
            except Exception as exc:
                raise SystemExit(f"seed {seed}: {exc!r}") from exc


if __name__ == "__main__":
    main()
