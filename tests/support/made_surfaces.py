"""Made surfaces of quality and stability whose best setting is known: searches are tried on them without training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import expit
from scipy.stats import qmc

from orchestrator.space import Interval, Space
from orchestrator.statistics.intervals import Array
from orchestrator.statistics.result import Result

EVALUATIONS = 5
"""Of a trial: at 1/5, 2/5, ... of its steps."""


@dataclass(frozen=True)
class Surface:
    """quality: points [n, d] of the unit cube -> the mean logarithm of the Frechet distance [n]; chance: -> the
    probability [n] that a run is stable. noise: the standard deviation of that logarithm among seeds.
    """

    name: str
    settings: int
    quality: Callable[[Array], Array]
    chance: Callable[[Array], Array]
    noise: float = 0.15

    @cached_property
    def space(self) -> Space:
        return Space(tuple(Interval(f"setting.{letter}", 0.0, 1.0, False) for letter in "abcd"[: self.settings]))

    def best(self, required: float) -> float:
        """The lowest mean of a setting that is stable often enough, on a fine Sobol grid."""
        grid = qmc.Sobol(self.settings, seed=9).random_base2(15)
        return float(self.quality(grid)[self.chance(grid) >= required].min())

    def truth(self, settings: Mapping[str, Any]) -> tuple[float, float]:
        """(mean logarithm of the distance, probability of a stable run) of settings."""
        at = self._place(settings)
        return float(self.quality(at)[0]), float(self.chance(at)[0])

    def run(self, settings: Mapping[str, Any], seed: int, repetition: int) -> tuple[Result, list[float | None]]:
        """(how a trial ends, its distance at each evaluation): the same for the same settings, seed and repetition.

        A distance falls to its last value. A run that is not stable has lost it at some evaluation: half of these have
        diverged and have none from there on, the others have collapsed and are far from the data.
        """
        at = self._place(settings)
        rng = np.random.default_rng([repetition, seed, *(int(1e6 * value) for value in at[0])])
        end = float(self.quality(at)[0]) + self.noise * rng.standard_normal()
        left = np.exp(-3 * np.arange(1, EVALUATIONS + 1) / EVALUATIONS) - np.exp(-3)
        curve = [
            float(value) for value in np.exp(end + 1.5 * left + 0.05 * rng.standard_normal(EVALUATIONS) * (left > 0))
        ]
        is_stable = bool(rng.random() < self.chance(at)[0])
        lost, has_diverged, far = int(rng.integers(EVALUATIONS)), bool(rng.random() < 0.5), float(rng.exponential())
        distances: list[float | None] = [*curve]
        if not is_stable:
            for number in range(lost, EVALUATIONS):
                distances[number] = None if has_diverged else curve[number] * float(np.exp(1 + far))
        result = Result(
            "g",
            str(sorted(settings.items())),
            seed,
            settings,
            is_stable,
            EVALUATIONS,
            None,
            distances[-1],
            None,
            is_stable,
        )
        return result, distances

    def _place(self, settings: Mapping[str, Any]) -> Array:
        return np.array([[float(settings[path]) for path in self.space.paths]])


def _cliff_quality(x: Array) -> Array:
    return np.log(30) + 2 * (1 - x[:, 0]) ** 1.5 + (x[:, 1] - 0.4) ** 2 + _others(x)


def _ridge_quality(x: Array) -> Array:
    return np.log(30) + 1.5 * np.abs(x[:, 0] - 0.75) + 3 * (x[:, 0] - x[:, 1] - 0.1) ** 2 + _others(x)


def _island_quality(x: Array) -> Array:
    return np.log(30) + 2.5 * ((x[:, 0] - 0.62) ** 2 + (x[:, 1] - 0.30) ** 2) + _others(x)


def _others(x: Array) -> Array:
    """The third setting acts a little, a fourth one not at all."""
    return 0.8 * (x[:, 2] - 0.3) ** 2 if x.shape[1] > 2 else np.zeros(len(x))


SURFACES = (
    Surface("cliff, 2 settings", 2, _cliff_quality, lambda x: expit((0.55 + 0.35 * x[:, 1] - x[:, 0]) / 0.03)),
    Surface("ridge, 2 settings", 2, _ridge_quality, lambda x: expit((0.12 - np.abs(x[:, 0] - x[:, 1])) / 0.02)),
    Surface(
        "island, 4 settings",
        4,
        _island_quality,
        lambda x: expit((1 - ((x[:, 0] - 0.4) / 0.28) ** 2 - ((x[:, 1] - 0.45) / 0.22) ** 2) / 0.08),
    ),
    Surface("cliff, 3 settings", 3, _cliff_quality, lambda x: expit((0.55 + 0.35 * x[:, 1] - x[:, 0]) / 0.03)),
)
"""The best setting is beside the edge of stability in each of them, where every search is drawn to."""
