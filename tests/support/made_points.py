"""Sweeps that draw their points, simulated from known curves: how often the bands hold the truth, and false claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestrator.space import Choice, Interval, Space
from orchestrator.statistics.result import Result
from orchestrator.statistics.sampled_effects import SampledEffect, sampled_effects
from orchestrator.statistics.smooth import PLACES
from orchestrator.sweepfile.sample import Sample

Array = npt.NDArray[np.float64]

CURVES: dict[str, Callable[[Array], Array]] = {
    "flat": lambda x: 0.0 * x,
    "monotone": lambda x: 1.5 - 3.0 * x,
    "step": lambda x: 2.5 * np.tanh(8.0 * (0.5 - x)),
    "hump": lambda x: 4.0 * np.exp(-(((x - 0.55) / 0.18) ** 2)) - 1.5,
}
"""What a setting at a position in [0, 1] adds to a run; a run's own deviation is 1."""
LEVELS = np.array([-1.0, 0.0, 0.8])
"""What each level of a choice adds."""
SPREAD = 0.25
"""Standard deviation of the logarithm of the Frechet distance of runs that differ in nothing but chance."""
LR, CHOICE, OTHER = "optimizer.lr", "stabilizers.instance_noise.std", "loss.gradient_penalty"
SPACE = Space(
    (
        Interval(LR, 1e-5, 1e-1, is_log=True),
        Interval(OTHER, 0.0, 10.0, is_log=False),
        Choice(CHOICE, (0.0, 0.1, 0.3)),
    )
)


@dataclass(frozen=True)
class Drawn:
    """A sweep with drawn points. curve: a name in CURVES, of LR. luck: standard deviation of what all runs of a seed
    share, where a run's own is 1; of_setting: of what the runs of a seed share that are alike in LR."""

    curve: str
    points: int
    seeds: int
    luck: float = 0.7
    of_setting: float = 0.3
    method: str = "sobol"
    has_choice: bool = True

    def _levels(self) -> Array:
        return LEVELS if self.has_choice else 0.0 * LEVELS

    def results(self, rng: np.random.Generator) -> list[Result]:
        """Every run draws, so that each has a distance."""
        sample = Sample(SPACE, self.points, self.method, int(rng.integers(2**31)))  # type: ignore[arg-type]
        lr, other, choice = SPACE.dimensions
        assert isinstance(lr, Interval) and isinstance(other, Interval) and isinstance(choice, Choice)
        phase, luck = rng.uniform(0, 2 * np.pi, self.seeds), self.luck * rng.standard_normal(self.seeds)
        runs = []
        for number, factors in enumerate(sample.points):
            x = np.array(lr.position_of(factors[LR]))
            of_point = CURVES[self.curve](x) + self._levels()[choice.levels.index(factors[CHOICE])]
            of_point += 2.0 * (other.position_of(factors[OTHER]) - 0.5)
            for seed in range(self.seeds):
                shared = luck[seed] + self.of_setting * 2**0.5 * np.cos(1.5 * np.pi * x + phase[seed])
                stable, distance = of_point + shared + rng.standard_normal(2)
                final = float(np.exp(3 + SPREAD * distance))
                end = (bool(stable > -0.5), 100, None, final, final, True)
                runs.append(Result("g", f"g {number}", seed, factors, *end, sampled=SPACE.paths))
        return runs

    def truth(self) -> dict[tuple[str, str], Array]:
        """(setting, outcome) -> its curve at its places, averaged over the other settings and over seeds."""
        from scipy.special import ndtr

        x, other, levels = PLACES[:, None, None], 2.0 * (np.linspace(0, 1, 101)[:, None] - 0.5), self._levels()
        deviation = (1 + self.luck**2 + self.of_setting**2) ** 0.5
        total = CURVES[self.curve](x) + other + levels
        shares, sums = ndtr((total + 0.5) / deviation), SPREAD * total
        return {
            (LR, "stable"): shares.mean(axis=(1, 2)),
            (LR, "frechet"): sums.mean(axis=(1, 2)) - sums.mean(),
            (CHOICE, "stable"): shares.mean(axis=(0, 1)),
            (CHOICE, "frechet"): sums.mean(axis=(0, 1)) - sums.mean(),
        }


def effects_of(drawn: Drawn, rng: np.random.Generator) -> dict[tuple[str, str], SampledEffect]:
    asked = Space(tuple(dimension for dimension in SPACE.dimensions if dimension.path != OTHER))
    effects = sampled_effects(drawn.results(rng), {"g": asked})
    return {(effect.dimension.path, effect.outcome): effect for effect in effects}


def held(drawn: Drawn, sweeps: int, rng: np.random.Generator) -> dict[tuple[str, str], float]:
    """(setting, outcome) -> the part of its places at which the band holds the truth, on average over the sweeps."""
    truth = drawn.truth()
    parts: dict[tuple[str, str], list[float]] = {key: [] for key in truth}
    for _ in range(sweeps):
        effects = effects_of(drawn, rng)
        for key, values in truth.items():
            curve = effects[key].curve
            assert curve is not None
            parts[key].append(float(np.mean((curve.low <= values) & (values <= curve.high))))
    return {key: float(np.mean(values)) for key, values in parts.items()}


def claims(drawn: Drawn, sweeps: int, rng: np.random.Generator) -> float:
    """The share of sweeps in which LR is said to do something to one of the outcomes."""
    hits = [
        any(effect.holds for (path, _), effect in effects_of(drawn, rng).items() if path == LR) for _ in range(sweeps)
    ]
    return float(np.mean(hits))
