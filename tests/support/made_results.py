"""Results of runs, written by hand or simulated from known effects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

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
    """A run that drew if it is stable."""
    return Result(group, f"{group} {factors}", seed, factors, stable, steps, event, final, best, bool(stable))


STEPS = 1000
LEVELS: dict[str, list[Any]] = {"optimizer.lr": [1e-4, 1e-3, 1e-2], "smoothing": [0.0, 0.1], "noise": [False, True]}
LOG_TIME = {"optimizer.lr": [0.0, -0.3, -2.0], "smoothing": [0.0, 0.0], "noise": [0.0, 0.9]}
"""What each level adds to the logarithm of the time to the event."""
LOG_DISTANCE = {"optimizer.lr": [0.0, -0.15, 0.1], "smoothing": [0.0, -0.1], "noise": [0.0, 0.0]}
"""What each level adds to the logarithm of the Frechet distance at the end."""
INDICES = np.array(list(product(*(range(len(levels)) for levels in LEVELS.values()))))
"""[configurations, factors] number of the level of each factor."""
FACTORS = [{path: LEVELS[path][i] for path, i in zip(LEVELS, indices, strict=True)} for indices in INDICES]
SPREAD = 0.25
"""Standard deviation of the logarithm of the Frechet distance of runs that differ in nothing but chance."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Scenario:
    """What chance does in a sweep of 12 configurations.

    luck: standard deviation of what all runs of a seed share, where a run's own is 1. level_luck: of what the runs of a
    seed at one level share, so of how much an effect varies between seeds. tails: degrees of freedom of Student's t,
    from which a run's own logarithm of the Frechet distance comes. collapses: share of runs that collapse at any step,
    whatever their settings. failures: share of trials that fail at any step. unfinished: share of runs whose end says
    nothing. has_effects: whether the levels differ at all.
    """

    name: str
    luck: float = 0.7
    level_luck: float = 0.3
    tails: float = np.inf
    collapses: float = 0.0
    failures: float = 0.0
    unfinished: float = 0.0
    has_effects: bool = True


SCENARIOS = (
    Scenario("luck 0.7"),
    Scenario("luck 1", luck=1.0),
    Scenario("luck 2", luck=2.0),
    Scenario("heavy tails", luck=1.0, tails=2.5),
    Scenario("5% collapse", luck=1.0, collapses=0.05),
    Scenario("2% fail", luck=1.0, failures=0.02, unfinished=0.05),
)


@dataclass(frozen=True)
class Sweeps:
    """Many sweeps of one scenario, as arrays [sweeps, seeds, configurations].

    time: step of the event, which may be after the end. distance: Frechet distance at the end. left: step at which the
    trial failed; infinite if it did not. undecided: whether the run is unfinished.
    """

    time: Array
    distance: Array
    left: Array
    undecided: Array

    @property
    def stable(self) -> Array:
        return (self.time > STEPS) & np.isinf(self.left)

    def results(self) -> Iterator[list[Result]]:
        """The results of each sweep."""
        arrays = (self.time, self.distance, self.left, self.undecided, self.stable)
        for sweep in zip(*arrays, strict=True):
            yield [
                _result(seed, number, *(values[seed, number] for values in sweep))
                for seed in range(self.time.shape[1])
                for number in range(len(INDICES))
            ]


def _result(seed: int, number: int, time: float, distance: float, left: float, undecided: bool, stable: bool) -> Result:
    has_failed, steps = left <= STEPS, int(min(left, STEPS))
    ends_before, is_open = time <= steps, bool(undecided) and not has_failed
    event = int(time) if ends_before and not has_failed and not is_open else None
    final = None if has_failed else float(distance)
    is_stable = None if is_open else bool(stable)
    name = f"g {tuple(map(int, INDICES[number]))}"
    return Result("g", name, seed, FACTORS[number], is_stable, steps, event, final, final, is_stable is True)


def simulate(scenario: Scenario, sweeps: int, seeds: int, rng: np.random.Generator) -> Sweeps:
    """`sweeps` sweeps of so many seeds each. Runs of one seed share random terms."""
    shape = (sweeps, seeds, len(INDICES))
    log_time, log_distance = 1.0 + _terms(scenario, LOG_TIME, shape, rng), _terms(scenario, LOG_DISTANCE, shape, rng)
    own = rng.standard_normal(shape) if np.isinf(scenario.tails) else rng.standard_t(scenario.tails, shape)
    time = STEPS * np.exp(log_time + rng.standard_normal(shape))
    by_chance = np.where(rng.random(shape) < scenario.collapses, rng.uniform(1, STEPS, shape), np.inf)
    left = np.where(rng.random(shape) < scenario.failures, rng.uniform(1, STEPS, shape), np.inf)
    undecided = rng.random(shape) < scenario.unfinished
    distance = 30 * np.exp(log_distance + SPREAD * own)
    return Sweeps(np.ceil(np.minimum(time, by_chance)), distance, left, undecided)


def _terms(scenario: Scenario, of_level: dict[str, list[float]], shape: tuple[int, ...], rng: Any) -> Array:
    """What settings and seed add. `of_level`: in units of the run's own deviation, or of 1 / SPREAD for distances."""
    unit = SPREAD if of_level is LOG_DISTANCE else 1.0
    total = np.broadcast_to(unit * scenario.luck * rng.standard_normal((*shape[:2], 1)), shape).copy()
    for position, values in enumerate(of_level.values()):
        at = INDICES[:, position]
        deviation = np.where(np.arange(len(values)) > 0, unit * scenario.level_luck, 0.0)
        total += (deviation * rng.standard_normal((*shape[:2], len(values))))[..., at]
        total += np.array(values)[at] * scenario.has_effects
    return total
