"""Intervals of shares of runs that share seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gan_core.wilson import wilson_interval
from orchestrator.statistics.intervals import Array, Change, Share
from orchestrator.statistics.result import Result


class Expectation(NamedTuple):
    """Prior correlation between two outcomes of one seed, and the number of seeds that the prior counts as."""

    correlation: float
    weight: int


RUNS = Expectation(0.125, 2)
"""The prior for whether runs are stable."""
PAIRS = Expectation(0.05, 4)
"""The prior for which run of a pair is better: both have the same seed, so most of its effect cancels out."""


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


def clustered_interval(
    rates: Array, deviations: Array, runs: Array, expected: Expectation = RUNS
) -> tuple[Array, Array]:
    """95% intervals of shares [shares]: Wilson's (1927) for as many runs as tell as much if they were independent.

    deviations: [seeds, shares], by how much a seed's share differs from that of all seeds (S - 1 times what leaving the
    seed out changes); at least 2 seeds. runs: [shares] number of runs, as if independent.

    The number of runs is divided by the design effect (Kish 1965): the variance that the seeds show over that of
    independent runs. A few seeds often agree by chance, so it is averaged with an expectation, and Student's t takes
    the place of the normal quantile, as Korn and Graubard (1998) do for surveys with few clusters.

    In simulations of sweeps (`benchmarks/coverage.py`) the intervals of all runs and of survival covered 92 to 98%
    with 4 seeds and more, but up to 99% with 3 and nearly always with 2. Too rarely, 86 to 92%, where nearly all runs
    are stable but for those of a rare bad seed, or where all configurations fare alike and the seed decides their end.
    """
    from scipy.special import stdtrit

    t = float(stdtrit(len(deviations) - 1 + expected.weight, 0.975))
    return wilson_interval(rates, runs / _design_effect(rates, deviations, runs, expected), t)


def win_probability(by_seed: Sequence[Sequence[float]]) -> Change:
    """The share of pairs that are won, of pairs that share seeds, with its interval, and tested against a half.

    `by_seed`: for each seed, 1 for each pair that is won, 0 for a loss, 0.5 for a tie. The interval excludes a half
    exactly if the score test does, whose statistic has the same design effect and degrees of freedom. With one seed the
    interval is all of [0, 1]. In simulations it covered 95 to 98% with 5 seeds and more, and nearly always with 2.
    """
    from scipy.special import stdtr

    rate, deviations, runs = _by_seed(by_seed)
    if len(by_seed) < 2:
        return Change(float(rate[0]), 0.0, 1.0, len(by_seed))
    if 0 < rate[0] < 1:  # ties vary less than wins and losses: they tell as much as more pairs
        variation = np.var([value for of_seed in by_seed for value in of_seed])
        runs = runs * rate * (1 - rate) / max(variation, 0.5 * rate[0] * (1 - rate[0]))
    low, high = clustered_interval(rate, deviations, runs, PAIRS)
    error = float((0.25 * _design_effect(rate, deviations, runs, PAIRS) / runs)[0] ** 0.5)
    freedom = len(by_seed) - 1 + PAIRS.weight
    p = 2 * float(stdtr(freedom, -abs(float(rate[0]) - 0.5) / error))
    return Change(float(rate[0]), float(low[0]), float(high[0]), len(by_seed), p, error, freedom)


def _by_seed(values: Sequence[Sequence[float]]) -> tuple[Array, Array, Array]:
    """The share over all seeds, and what the intervals need of it."""
    sizes, sums = np.array([len(of_seed) for of_seed in values], float), np.array([sum(of_seed) for of_seed in values])
    rate = sums.sum() / sizes.sum()
    deviations = (sums - rate * sizes) / sizes.mean()
    return np.array([rate]), deviations[:, None], np.array([sizes.sum()])


def _design_effect(rates: Array, deviations: Array, runs: Array, expected: Expectation) -> Array:
    seeds = len(deviations)
    independent = rates * (1 - rates) / runs
    shown = np.sum(deviations**2, axis=0) / (seeds * (seeds - 1))
    prior = 1 + np.maximum(runs / seeds - 1, 0) * expected.correlation
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(independent > 0, shown / independent, prior)
    effect: Array = (expected.weight * prior + (seeds - 1) * ratio) / (seeds - 1 + expected.weight)
    return effect
