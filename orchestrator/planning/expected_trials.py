"""How many trials designs take: one that stops when its question is answered, and one with a fixed number of seeds."""

from __future__ import annotations

from collections.abc import Sequence

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
    """
    from scipy.special import stdtr, stdtrit

    pairs = min(len(each.pairs) for each in comparisons)
    of_a_pair = 0.5 - effect**2 / 2
    deviation = (of_a_pair / pairs * (1 + (pairs - 1) * PRIOR_CORRELATION)) ** 0.5
    seeds = np.arange(2, MAX_SEEDS + 1)
    freedom = seeds - 1 + PRIOR_WEIGHT
    limits = stdtrit(freedom, 1 - 0.05 / (FIXED_TESTS * len(comparisons)) / 2)
    sufficient = seeds[stdtr(freedom, effect / (max(deviation, 1e-9) / seeds**0.5) - limits) >= power]
    return int(sufficient[0]) if len(sufficient) else None
