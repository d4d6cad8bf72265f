"""Results of runs, written by hand or simulated from known effects."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import exp, log, sqrt
from typing import Any

import numpy as np
from scipy.stats import norm

from gan_core.history import Row
from gan_core.verdict import best, judge
from orchestrator.statistics.result import Result


def result(
    stable: bool | None = True,
    final: float | None = None,
    seed: int = 0,
    group: str = "g",
    steps: int = 400,
    event: int | None = None,
    best: float | None = None,
    **factors: Any,
) -> Result:
    """A run that drew if it has a quality."""
    return Result(group, f"{group} {factors}", seed, factors, stable, steps, event, final, best, final is not None)


STEPS, WINDOW = 1000, 100
EVALUATOR = "classifier-1a2b3c4d"
LEVELS: dict[str, list[Any]] = {"optimizer.lr": [1e-4, 1e-3, 1e-2], "smoothing": [0.0, 0.1], "noise": [False, True]}
LOG_TIME = {"optimizer.lr": [0.0, -0.3, -2.0], "smoothing": [0.0, 0.0], "noise": [0.0, 0.9]}
"""What each level adds to the logarithm of the time to the event."""
DISTANCE = {"optimizer.lr": [0.0, -3.0, 2.0], "smoothing": [0.0, -1.0], "noise": [0.0, 0.0]}
"""What each level adds to the Frechet distance at the end."""
SEED_DEVIATION, LEVEL_DEVIATION = 0.7, 0.3
"""Standard deviations of the random terms that runs of one seed, and runs of it at one level, share; a run has 1."""


@dataclass(frozen=True)
class Truth:
    """What a sweep of infinitely many seeds would show."""

    indices: tuple[int, ...]

    def surviving(self, step: float) -> float:
        """The probability that a run has no event up to a step."""
        mean = 1.0 + sum(values[index] for values, index in zip(LOG_TIME.values(), self.indices, strict=True))
        spread = sqrt(1 + SEED_DEVIATION**2 + LEVEL_DEVIATION**2 * sum(index > 0 for index in self.indices))
        return float(norm.cdf((mean - log(step / STEPS)) / spread))


def truths() -> dict[str, Truth]:
    """The truth of each configuration."""
    return {f"g {indices}": Truth(indices) for indices in product(*(range(len(v)) for v in LEVELS.values()))}


def true_effects() -> dict[tuple[str, Any], tuple[float, float]]:
    """(factor, level) -> the change of the share of stable runs and of the Frechet distance against the first level."""
    effects = {}
    for position, (factor, levels) in enumerate(LEVELS.items()):
        for index, level in enumerate(levels[1:], start=1):
            ends: tuple[list[float], list[float]] = ([], [])
            for truth in truths().values():
                for end, at in zip(ends, (0, index), strict=True):
                    if truth.indices[position] == at:
                        end.append(truth.surviving(STEPS))
            distance = DISTANCE[factor][index] - DISTANCE[factor][0]
            effects[factor, level] = (float(np.mean(ends[1]) - np.mean(ends[0])), distance)
    return effects


def sweep(rng: np.random.Generator) -> list[Result]:
    """A sweep of 12 configurations on 3 to 10 seeds, judged from histories; runs of one seed share random terms."""
    results = []
    for seed in range(int(rng.integers(3, 11))):
        shared = rng.normal(0, (SEED_DEVIATION, 2 * SEED_DEVIATION))
        of_level = {
            factor: rng.normal(0, (LEVEL_DEVIATION, 2 * LEVEL_DEVIATION), (len(v), 2)) for factor, v in LEVELS.items()
        }
        for name, truth in truths().items():
            last, distance = shared + rng.normal(0, (1, 2)) + (1.0, 30.0)
            for factor, index in zip(LEVELS, truth.indices, strict=True):
                last += LOG_TIME[factor][index] + of_level[factor][index, 0] * (index > 0)
                distance += DISTANCE[factor][index] + of_level[factor][index, 1] * (index > 0)
            factors = {factor: LEVELS[factor][index] for factor, index in zip(LEVELS, truth.indices, strict=True)}
            diverges = bool(rng.random() < 0.3)
            results.append(_judged(name, seed, factors, history(STEPS * exp(last), distance, diverges)))
    return results


def history(event: float, distance: float, diverges: bool) -> list[Row]:
    """A row every WINDOW steps. From step `event` on D's loss is huge if it `diverges`, else the samples collapse."""
    rows: list[Row] = []
    for step in range(WINDOW, STEPS + 1, WINDOW):
        has_ended = step >= event
        rows.append(
            {
                "step": step,
                "loss/generator": 1.0,
                "loss/discriminator": 1e4 if has_ended and diverges else 1.2,
                "accuracy/discriminator": 0.7,
                "diversity/ratio": 0.1 if has_ended else 0.9,
                f"frechet/{EVALUATOR}": distance * (1 + WINDOW / step - WINDOW / STEPS),
            }
        )
    return rows


def _judged(name: str, seed: int, factors: dict[str, Any], rows: list[Row]) -> Result:
    verdict = judge(rows, "bce", EVALUATOR)
    last, lowest = rows[-1], best(rows, EVALUATOR)
    final = None if verdict.name == "diverged" else last[f"frechet/{EVALUATOR}"]
    smallest = None if verdict.name == "diverged" or lowest is None else lowest[f"frechet/{EVALUATOR}"]
    stable = verdict.name == "stable"
    return Result("g", name, seed, factors, stable, STEPS, verdict.since, final, smallest, stable)
