"""How much of the variance of an outcome each factor of a group explains, beside what chance explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestrator.statistics.intervals import PRIOR_WEIGHT, Array
from orchestrator.statistics.pairing import level_of, varied_factors
from orchestrator.statistics.result import ResponseVariable, Result

MIN_RUNS = 8
"""Fewest runs to compute importances from: two levels of two factors with two seeds."""
PERMUTATIONS = 999


@dataclass(frozen=True)
class FactorShare:
    """The share of the variance, in [0, 1], that a factor explains by itself; `chance`: the largest that luck explains.

    In at most the given part of sweeps without any effect, any factor at all explains more than its `chance`.
    """

    share: float
    chance: float

    @property
    def is_marked(self) -> bool:
        return self.share > self.chance


@dataclass(frozen=True)
class Importance:
    """factors: path -> its share, the largest first. seed: the share that the seed explains, or None if there is one
    seed. The rest up to a sum of 1 is explained by several factors together, or not at all.
    """

    factors: dict[str, FactorShare]
    seed: float | None


def factor_importance(results: Sequence[Result], outcome: ResponseVariable, level: float = 0.05) -> Importance | None:
    """Analysis of variance over the runs of one group that have the outcome: effects of the factors, and of the seed.

    A factor's share is the sum of squares that it adds to the other factors and the seed, by the total (eta squared).
    What chance explains is seen in random permutations of the outcomes within each seed, which keep the seed's luck and
    undo all effects. From each permutation, only the factor with the smallest p-value of its F test is used, because
    factors with many levels explain more by chance (Westfall and Young 1993, single-step minP). Thus sweeps without
    effects have a factor above its `chance` in a part of `level`, whatever the outcome's distribution.
    An effect may also differ from seed to seed, which permutations undo, so `chance` grows by what the data show of it.

    None if fewer than two factors vary, if the outcome does not vary within a seed, if fewer than MIN_RUNS runs have
    it, or if these are no more than the levels to explain them.
    """
    runs = [run for run in results if outcome(run) is not None]
    factors = varied_factors(runs)
    if len(factors) < 2 or len(runs) < MIN_RUNS:
        return None
    seeds = np.unique([run.seed for run in runs], return_inverse=True)[1]
    values = np.array([outcome(run) for run in runs], float)
    within = _within_seeds(values, seeds)
    columns = [_within_seeds(_indicators([level_of(run, path) for run in runs]), seeds) for path in factors]
    parts = [_added_basis(part, columns[:i] + columns[i + 1 :]) for i, part in enumerate(columns)]
    model = _basis(np.hstack(columns))
    freedom = len(runs) - len(set(seeds)) - model.shape[1]
    total, variation = float(np.sum((values - values.mean()) ** 2)), float(np.sum(within**2))
    if freedom < 1 or variation <= 1e-12 * max(total, 1e-300):
        return None
    explained, _ = _explained(within[:, None], parts, model, freedom)
    smallest = _explained(_permuted(within, seeds), parts, model, freedom)[1].min(axis=0)
    limit = float(np.quantile(smallest, level, method="lower"))
    residuals = within - model @ (model.T @ within)
    shares = {}
    for path, of_factor, part in zip(factors, explained, parts, strict=True):
        chance = _sum_of_squares_at(limit, part.shape[1], freedom, float(np.sum(residuals**2)))
        chance *= _seed_variance_ratio(residuals, [level_of(run, path) for run in runs], seeds, freedom)
        shares[path] = FactorShare(float(of_factor[0]) / total, min(chance / total, 1.0))
    ordered = dict(sorted(shares.items(), key=lambda item: -item[1].share))
    return Importance(ordered, (total - variation) / total if len(set(seeds)) > 1 else None)


def _indicators(levels: Sequence[str]) -> Array:
    """[runs, levels - 1] of 0 and 1."""
    number_of = {level: number for number, level in enumerate(dict.fromkeys(levels))}
    return np.eye(len(number_of))[[number_of[level] for level in levels]][:, 1:]


def _within_seeds(values: Array, seeds: npt.NDArray[np.int64]) -> Array:
    """The values less their mean over the runs of the seed. `values`: [runs] or [runs, columns]."""
    sums = np.zeros((seeds.max() + 1, *values.shape[1:]))
    np.add.at(sums, seeds, values)
    counts = np.bincount(seeds).reshape(-1, *[1] * (values.ndim - 1))
    return values - (sums / counts)[seeds]


def _basis(columns: Array) -> Array:
    """An orthonormal basis of the columns, [runs, rank]."""
    vectors, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return vectors[:, sizes > 1e-9 * len(columns) ** 0.5]


def _added_basis(columns: Array, others: Sequence[Array]) -> Array:
    """A basis of what the columns add to the others."""
    known = _basis(np.hstack(others))
    return _basis(columns - known @ (known.T @ columns))


def _explained(values: Array, parts: Sequence[Array], model: Array, freedom: int) -> tuple[Array, Array]:
    """The sum of squares that each part explains, and the p-value of its F test; both [parts, draws].

    `values`: [runs, draws]; `model`: basis of all parts together; `freedom`: degrees of freedom that it leaves.
    """
    from scipy.special import fdtrc

    variation = np.sum(values**2, axis=0)
    left = variation - np.sum((model.T @ values) ** 2, axis=0)
    left = np.where(left > 1e-12 * variation, left, 0.0)
    explained = np.array([np.sum((part.T @ values) ** 2, axis=0) for part in parts])
    explained = np.where(explained > 1e-12 * variation, explained, 0.0)
    ranks = np.array([[max(part.shape[1], 1)] for part in parts])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(explained > 0, explained / ranks / (left / freedom), 0.0)
    return explained, fdtrc(ranks, freedom, ratios)


def _permuted(values: Array, seeds: npt.NDArray[np.int64]) -> Array:
    """[runs, PERMUTATIONS] of the values, exchanged at random between the runs of each seed, always the same."""
    order = np.argsort(seeds, kind="stable")
    drawn = np.argsort(seeds + np.random.default_rng(0).random((PERMUTATIONS, len(values))), axis=1)
    permuted = np.empty((len(values), PERMUTATIONS))
    permuted[order] = values[drawn].T
    return permuted


def _sum_of_squares_at(p: float, rank: int, freedom: int, unexplained: float) -> float:
    """The sum of squares whose F test has this p-value."""
    from scipy.special import fdtri

    return float(fdtri(max(rank, 1), freedom, 1 - p)) * rank / freedom * unexplained if p > 0 else np.inf


def _seed_variance_ratio(residuals: Array, levels: Sequence[str], seeds: npt.NDArray[np.int64], freedom: int) -> float:
    """How many times more a level's effect varies between seeds than that of independent runs: at least 1.

    A few seeds may seem to agree or to differ by chance, so it is averaged with 1, which counts as PRIOR_WEIGHT seeds.
    """
    _, cells = np.unique([seeds, np.unique(levels, return_inverse=True)[1]], axis=1, return_inverse=True)
    counts, sums = np.bincount(cells), np.bincount(cells, residuals)
    unexplained = float(np.sum(residuals**2)) / freedom
    own_freedom = len(counts) - int(seeds.max()) - len(set(levels))
    if own_freedom < 1 or unexplained == 0:
        return 1.0
    ratio = float(np.sum(sums**2 / counts)) / own_freedom / unexplained
    return max(1.0, (PRIOR_WEIGHT + own_freedom * ratio) / (PRIOR_WEIGHT + own_freedom))
