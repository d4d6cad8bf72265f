"""How many trials designs take: one that stops when its question is answered, and one with a fixed number of seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, islice
from math import ceil

import numpy as np

from orchestrator.planning.adaptive import TestedComparison
from orchestrator.statistics.intervals import PRIOR_CORRELATION, PRIOR_WEIGHT
from orchestrator.statistics.sequential import SHOWN_CLAIMS, WORTH_WHILE, Design
from orchestrator.sweepfile.model import UntilAnswered

SWEEPS = 400
"""Simulated ones."""
FIXED_TESTS = 3
"""Of each comparison in a fixed design: stable runs, which images are better, and by how much."""
MAX_SEEDS = 2000
FIXED_SWEEPS = 5000
"""Made ones, for the power of a fixed design."""
FEW_SEEDS = 100
"""Up to so many seeds the power of a fixed design is found in made sweeps."""
MARGIN = 1.02
"""By how much a t test takes too few seeds beyond that."""


def expected_trials(
    configurations: Sequence[str], comparisons: Sequence[TestedComparison], until: UntilAnswered
) -> int:
    """The mean over made sweeps: a third of the tests without an effect, a third with one that the last look shows in
    80% of sweeps, a third with twice that.
    """
    from scipy.special import ndtr, ndtri

    if not comparisons:
        return until.first * len(configurations)
    rng, tests = np.random.default_rng(0), 2 * len(comparisons)
    design = Design(until.first, until.most, tests)
    bounds = [-float(ndtri(design.level(SHOWN_CLAIMS, tests, n) / 2)) for n in range(until.first, until.most + 1)]
    effect = (bounds[-1] + float(ndtri(0.8))) / until.most**0.5
    means = effect * rng.integers(0, 3, (SWEEPS, tests))
    sums = np.cumsum(means[..., None] + rng.standard_normal((SWEEPS, tests, until.most)), axis=2)
    takes = np.array([[name in each.configurations for name in configurations] for each in comparisons for _ in (0, 1)])
    is_open, trials = np.ones((SWEEPS, tests), bool), np.full(SWEEPS, until.first * len(configurations))
    for seeds, bound in zip(range(until.first, until.most), bounds[:-1], strict=True):
        so_far = np.abs(sums[..., seeds - 1])
        spread = (1 / seeds - 1 / until.most) ** 0.5
        chance = ndtr((so_far / seeds - bounds[-1] / until.most**0.5) / spread)
        is_open &= (so_far <= bound * seeds**0.5) & (chance >= WORTH_WHILE)
        trials += (is_open @ takes > 0).sum(axis=1)
    return round(float(trials.mean()))


def seeds_of_fixed_design(effect: float, power: float, comparisons: Sequence[TestedComparison]) -> int | None:
    """The seeds with which a fixed design shows a change of the share of stable runs by `effect` with this power.

    Half of the runs are stable on the average of both levels, which takes most seeds, and pairs of a seed have as much
    in common as expected before looking. It is tested at Holm's level for all comparisons, of which the one with the
    fewest pairs counts. None if it takes more than MAX_SEEDS.

    It is tested as `share_change` does, whose variance is never 0: with few seeds it shows less than a t test of the
    true variance.
    """
    pairs, level = min(len(each.pairs) for each in comparisons), 0.05 / (FIXED_TESTS * len(comparisons))
    by_t = _seeds_of_t_test(effect, power, pairs, level)
    if by_t is not None and by_t <= FEW_SEEDS:
        enough = power + (power * (1 - power) / FIXED_SWEEPS) ** 0.5
        powers = _powers(effect, pairs, level)
        for seeds, shown in enumerate(islice(powers, 2 * FEW_SEEDS), start=2):
            if shown >= enough:
                return seeds
    return None if by_t is None or by_t * MARGIN > MAX_SEEDS else ceil(by_t * MARGIN)


def _seeds_of_t_test(effect: float, power: float, pairs: int, level: float) -> int | None:
    """What a t test takes, of the variance of a share; None if it is more than MAX_SEEDS."""
    from scipy.special import stdtr, stdtrit

    of_a_pair = 0.5 - effect**2 / 2
    deviation = (of_a_pair / pairs * (1 + (pairs - 1) * PRIOR_CORRELATION)) ** 0.5
    seeds = np.arange(2, MAX_SEEDS + 1)
    freedom = seeds - 1 + PRIOR_WEIGHT
    limits = stdtrit(freedom, 1 - level / 2)
    sufficient = seeds[stdtr(freedom, effect / (max(deviation, 1e-9) / seeds**0.5) - limits) >= power]
    return int(sufficient[0]) if len(sufficient) else None


def _powers(effect: float, pairs: int, level: float) -> Iterator[float]:
    """In which share of made sweeps `share_change` shows the effect at this level: with 2 seeds, 3, and so on.

    Each pair of a seed has the outcome that is common to the seed with the square root of PRIOR_CORRELATION as its
    probability, else one of its own.
    """
    from scipy.special import stdtr

    rng, size = np.random.default_rng(0), FIXED_SWEEPS
    better, worse = (0.5 + effect / 2) ** 2, (0.5 - effect / 2) ** 2
    expected = 1 + (pairs - 1) * PRIOR_CORRELATION
    sums, squares, changed = np.zeros(size), np.zeros(size), np.zeros(size)
    for seeds in count(1):
        common = rng.choice([1, -1, 0], size, p=[better, worse, 1 - better - worse])
        alike = rng.binomial(pairs, PRIOR_CORRELATION**0.5, size)
        up = rng.binomial(pairs - alike, better)
        down = rng.binomial(pairs - alike - up, worse / (1 - better) if better < 1 else 0.0)
        change = (up - down + alike * common) / pairs
        sums, squares = sums + change, squares + change**2
        changed += up + down + alike * np.abs(common)
        if seeds == 1:
            continue
        mean, total = sums / seeds, seeds * pairs
        single = np.maximum(changed - total * mean**2, 0) / (total - 1)
        of_means = np.maximum(squares - seeds * mean**2, 0) / (seeds - 1)
        ratio = np.where(single > 1e-9, of_means * pairs / np.maximum(single, 1e-9), expected)
        design_effect = (PRIOR_WEIGHT * expected + (seeds - 1) * ratio) / (PRIOR_WEIGHT + seeds - 1)
        error = (np.maximum(single, 2 / (total + 2)) / pairs * design_effect / seeds) ** 0.5
        yield float(np.mean(2 * stdtr(seeds - 1 + PRIOR_WEIGHT, -mean / error) <= level))
