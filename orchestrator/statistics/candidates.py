"""Which of the settings that a search has tried are good: estimates from all runs together.

One run proves little: the best of many runs is partly the luckiest, and near a cliff it is one that has happened to
survive. So what a setting is worth is taken from a smooth model of all runs, in which its neighbours speak, too: a
Gaussian process of the logarithm of the Frechet distance of stable runs, and one of whether a run is stable
(Rasmussen and Williams 2006). Several runs of one setting weigh as much as they are.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from orchestrator.formatting import format_level
from orchestrator.space import Space
from orchestrator.statistics.intervals import Array
from orchestrator.statistics.result import Result, log_distance

FEWEST_RUNS = 4
"""With fewer stable runs there is no model of their distances: each setting has the mean of its own."""
LENGTHS = (0.05, 5.0)
"""Of the bends along a setting, as parts of its range."""
DOUBT = 0.1
"""A setting whose estimated share of stable runs is short of what is required by less than this may still be tried."""


@dataclass(frozen=True)
class Tried:
    """A setting with its runs. number: of its first trial. waiting: how many runs of it are still to end."""

    settings: Mapping[str, Any]
    number: int
    runs: tuple[Result, ...]
    waiting: int = 0

    @cached_property
    def judged(self) -> list[Result]:
        """The runs that say whether the setting is stable: not those that a schedule has stopped."""
        return [run for run in self.runs if not run.stopped]

    @cached_property
    def stable(self) -> list[Result]:
        return [run for run in self.runs if run.stable]


@dataclass(frozen=True)
class Candidate:
    """A setting that may be the best. share: the estimated share of stable runs. mean, error: of the logarithm of the
    Frechet distance of a stable run at the end: the estimate and its standard error.
    """

    tried: Tried
    share: float
    mean: float
    error: float

    @property
    def configuration(self) -> str:
        """The name of settings that have a run."""
        return self.tried.runs[0].configuration

    def keeps(self, required: float) -> bool:
        """Whether the runs of this setting are stable as often as is required."""
        needed = required * len(self.tried.judged)
        return len(self.tried.stable) >= needed - 1e-9 and needed > 0  # 0.28 * 25 is a bit more than 7


def tried_settings(points: Sequence[tuple[Mapping[str, Any], Result | None]]) -> list[Tried]:
    """The settings of the points, each once, in their order. A point without a result is still to end."""
    found: dict[tuple[str, ...], Tried] = {}
    for number, (settings, result) in enumerate(points):
        name = tuple(format_level(value) for _, value in sorted(settings.items()))
        known = found.get(name, Tried(settings, number, ()))
        runs = (*known.runs, result) if result else known.runs
        found[name] = Tried(known.settings, known.number, runs, known.waiting + (result is None))
    return list(found.values())


Model = Callable[[Sequence[Tried]], list[Candidate]]
"""What is known of settings, tried or not."""


def model_of(space: Space, settings: Sequence[Tried]) -> Model | None:
    """The model of all runs of these settings; None if no stable one of them was measured."""
    stable = [(tried, value) for tried in settings for run in tried.stable if (value := log_distance(run)) is not None]
    if not stable:
        return None
    judged = [(tried, float(bool(run.stable))) for tried in settings for run in tried.judged]
    share_at, distance_at = _smoothed(space, judged), _smoothed(space, stable)

    def model(asked: Sequence[Tried]) -> list[Candidate]:
        shares, _, _ = share_at(asked)
        means, errors, noise = distance_at(asked)
        return [
            Candidate(tried, float(np.clip(share, 0, 1)), float(mean), _with_waiting(error, noise, tried.waiting))
            for tried, share, mean, error in zip(asked, shares, means, errors, strict=True)
        ]

    return model


def candidates(space: Space, settings: Sequence[Tried]) -> list[Candidate]:
    """What is known of each setting that has a stable run whose quality was measured, in their order."""
    model = model_of(space, settings)
    if model is None:
        return []
    return model([tried for tried in settings if any(log_distance(run) is not None for run in tried.stable)])


def most_promising(
    space: Space, settings: Sequence[Tried], proposed: Sequence[Mapping[str, Any]], required: float
) -> Mapping[str, Any]:
    """Of the proposed settings, the one that could be the best: of the lowest distance one standard error below its
    estimate, among those that are expected to be stable as often as is required; without a model, the first.
    """
    model = model_of(space, settings)
    if model is None:
        return proposed[0]
    found = model([Tried(each, len(settings), ()) for each in proposed])
    return min(found, key=lambda c: (c.share < required - DOUBT, c.mean - c.error)).tried.settings


def best_first(found: Sequence[Candidate], required: float) -> list[Candidate]:
    """The candidates, the one first that a search names: of the lowest estimated distance among those that are stable
    as often as is required, by their own runs and by the estimate; then by their own runs; then the rest.
    """
    return sorted(found, key=lambda c: (not c.keeps(required), c.share < required, c.mean))


def named_first(
    space: Space, points: Sequence[tuple[Mapping[str, Any], Result | None]], required: float
) -> list[Candidate]:
    """What a search names, from the points that it has tried with their results: the first; then the others in order.

    Empty if no stable run was measured.
    """
    return best_first(candidates(space, tried_settings(points)), required)


def next_to_run(found: Sequence[Candidate], required: float) -> Candidate | None:
    """The candidate that gets one more seed, so that the best one is told from the rest; None if there is none.

    It is the leading one, or the one that could most easily be better: of the lowest distance that is one standard
    error below its estimate (Kalyanakrishnan et al. 2012), whichever of the two has fewer runs. So a setting drops out
    as soon as it cannot be the best, and one that is not stable as often as is required at its first such run.
    """
    if not found:
        return None
    eligible = [c for c in found if c.keeps(required) and c.share >= required - DOUBT]
    if len(eligible) < 2:
        eligible = [c for c in found if c.keeps(required)] or list(found)
    leader = min(eligible, key=lambda c: c.mean)
    others = [c for c in eligible if c is not leader]
    if not others:
        return leader
    challenger = min(others, key=lambda c: c.mean - c.error)
    return min(leader, challenger, key=lambda c: len(c.tried.runs) + c.tried.waiting)


def _with_waiting(error: float, noise: float, waiting: int) -> float:
    """The standard error that is left once the runs have ended that are still to end."""
    return float((error**-2 + waiting * max(noise, 1e-3) ** -2) ** -0.5)


Smoothed = Callable[[Sequence[Tried]], tuple[Array, Array, float]]
"""Of settings: (means, standard errors of these, the standard deviation of a single run)."""


def _smoothed(space: Space, runs: Sequence[tuple[Tried, float]]) -> Smoothed:
    """A Gaussian process through the values of runs. The kernel is Matern's with a length for each setting."""
    values = np.array([value for _, value in runs])
    level, spread = float(values.mean()), float(values.std())
    if len(runs) < FEWEST_RUNS or spread < 1e-9:
        return lambda settings: (*_own_means(settings, runs, level, spread), spread)
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    places = np.array([space.position_of(tried.settings) for tried, _ in runs])
    lengths = Matern([0.4] * places.shape[1], LENGTHS, nu=2.5)
    kernel = ConstantKernel(1.0, (0.05, 20.0)) * lengths + WhiteKernel(0.1, (1e-3, 2.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a length at its bound is a setting that does nothing
        process = GaussianProcessRegressor(kernel, random_state=0).fit(places, (values - level) / spread)
    noise = float(process.kernel_.k2.noise_level)

    def at(settings: Sequence[Tried]) -> tuple[Array, Array, float]:
        means, errors = process.predict(
            np.array([space.position_of(tried.settings) for tried in settings]), return_std=True
        )
        of_mean = np.sqrt(np.maximum(errors**2 - noise, 1e-8))
        return level + spread * means, spread * of_mean, spread * noise**0.5

    return at


def _own_means(
    settings: Sequence[Tried], runs: Sequence[tuple[Tried, float]], level: float, spread: float
) -> tuple[Array, Array]:
    of_each = [[value for tried, value in runs if tried is setting] or [level] for setting in settings]
    errors = [max(spread, 1e-3) / len(values) ** 0.5 for values in of_each]
    return np.array([float(np.mean(values)) for values in of_each]), np.array(errors)
