"""Intervals of shares of runs that share seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from orchestrator.statistics.intervals import PRIOR_CORRELATION, Change, Share
from orchestrator.statistics.result import Result

PRIOR_WEIGHT = 2
"""Seeds that the expected correlation of runs that share a seed counts as."""

Array = npt.NDArray[np.float64]


def pooled_share(results: Sequence[Result]) -> Share:
    """The share of stable runs among those that are not unfinished, with an interval for runs that share seeds.

    With one seed the interval is all of [0, 1].
    """
    by_seed: dict[int, list[bool]] = {}
    for result in results:
        if result.stable is not None:
            by_seed.setdefault(result.seed, []).append(result.stable)
    hits, total = sum(map(sum, by_seed.values())), sum(map(len, by_seed.values()))
    if len(by_seed) < 2:
        return Share(hits, total, 0.0, 1.0)
    low, high = clustered_interval(*_by_seed(list(by_seed.values())))
    return Share(hits, total, float(low[0]), float(high[0]))


def clustered_interval(rates: Array, deviations: Array, runs: Array) -> tuple[Array, Array]:
    """95% intervals of shares [shares]: Wilson's (1927) for as many runs as tell as much if they were independent.

    deviations: [seeds, shares], by how much a seed's share differs from that of all seeds (S - 1 times what leaving the
    seed out changes); at least 2 seeds. runs: [shares] number of runs, as if independent.

    The number of runs is divided by the design effect (Kish 1965): the variance that the seeds show over that of
    independent runs. A few seeds often agree by chance, so it is averaged with an expectation, and Student's t takes
    the place of the normal quantile, as Korn and Graubard (1998) do for surveys with few clusters.
    """
    from scipy.special import stdtrit

    t = float(stdtrit(_freedom(deviations), 0.975))
    return _wilson(rates, runs / _design_effect(rates, deviations, runs), t)


def win_probability(by_seed: Sequence[Sequence[float]]) -> Change:
    """The share of pairs that are won, of pairs that share seeds, with its interval, and tested against a half.

    `by_seed`: for each seed, 1 for each pair that is won, 0 for a loss, 0.5 for a tie. The interval excludes a half
    exactly if the score test does, whose statistic has the same design effect and degrees of freedom. With one seed the
    interval is all of [0, 1].
    """
    from scipy.special import stdtr

    rate, deviations, runs = _by_seed(by_seed)
    if len(by_seed) < 2:
        return Change(float(rate[0]), 0.0, 1.0, len(by_seed))
    low, high = clustered_interval(rate, deviations, runs)
    error = float((0.25 * _design_effect(rate, deviations, runs) / runs)[0] ** 0.5)
    freedom = _freedom(deviations)
    p = 2 * float(stdtr(freedom, -abs(float(rate[0]) - 0.5) / error))
    return Change(float(rate[0]), float(low[0]), float(high[0]), len(by_seed), p, error, freedom)


def _by_seed(values: Sequence[Sequence[float]]) -> tuple[Array, Array, Array]:
    """The share over all seeds, and what the intervals need of it."""
    sizes, sums = np.array([len(of_seed) for of_seed in values], float), np.array([sum(of_seed) for of_seed in values])
    rate = sums.sum() / sizes.sum()
    deviations = (sums - rate * sizes) / sizes.mean()
    return np.array([rate]), deviations[:, None], np.array([sizes.sum()])


def _freedom(deviations: Array) -> int:
    return len(deviations) - 1 + PRIOR_WEIGHT


def _design_effect(rates: Array, deviations: Array, runs: Array) -> Array:
    seeds = len(deviations)
    independent = rates * (1 - rates) / runs
    shown = np.sum(deviations**2, axis=0) / (seeds * (seeds - 1))
    expected = 1 + np.maximum(runs / seeds - 1, 0) * PRIOR_CORRELATION
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(independent > 0, shown / independent, expected)
    effect: Array = (PRIOR_WEIGHT * expected + (seeds - 1) * ratio) / _freedom(deviations)
    return effect


def _wilson(rates: Array, runs: Array, quantile: float) -> tuple[Array, Array]:
    pull = quantile**2 / runs
    centre = (rates + pull / 2) / (1 + pull)
    half = np.sqrt(rates * (1 - rates) * pull + pull**2 / 4) / (1 + pull)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
