"""An outcome against one drawn setting, with bands: points differ in other settings, too, and runs share seeds.

    outcome of a run = curve(setting) + what its point has besides + luck of its seed + chance

For shares of stable runs the sum is on the logistic scale. The curve is a Gaussian process (Rasmussen and Williams
2006), or a normal value for each level of a choice; what points and seeds add is normal. How rough the curve is and how
large the other terms are is not estimated but averaged over: a grid of all of them, each weighted by how well it
explains the outcomes (Rue et al. 2009, with Laplace's approximation for shares). So a band is wide where the data
cannot tell one from another. The other settings of a point are those of the design, so the curve is the average over
them. How often the bands hold the truth is measured by `benchmarks/smooth_effects.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from orchestrator.statistics.intervals import Array

PLACES = np.linspace(0, 1, 41)
"""Where a smooth curve is computed, from one end of the setting's range to the other."""
LENGTHS = (0.15, 0.4, 1.2)
"""Of the curve's bends, as parts of the range."""
FUNCTIONS = 14
"""Of the basis that stands for the process."""
FLAT = 0.1
"""A curve of this deviation is flat: it has no bends."""
DRAWS = 4000
"""From the distribution of the curve: the ends of a band have an error of a few hundredths of its width."""
NEWTON_STEPS = 10
MAX_STEP = 3.0
"""Of a term in one step, on the logistic scale."""


class Sizes(NamedTuple):
    """Standard deviations that are averaged over: of the curve, of points and of seeds.

    Those of logarithms are relative to the deviation of chance.
    """

    curve: tuple[float, ...]
    points: tuple[float, ...]
    seeds: tuple[float, ...]


OF_SHARES = Sizes((0.1, 0.7, 1.8, 4.5), (0.1, 1.0, 2.2), (0.2, 1.0, 2.0, 4.0))
OF_LOGARITHMS = Sizes((0.1, 0.5, 1.5, 5.0), (0.1, 0.7, 1.8, 5.0), (0.1, 0.7, 1.8, 5.0))
NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
LEVEL = 4.0
"""Standard deviation of the level of a curve of shares, on the logistic scale."""


class Outcomes(NamedTuple):
    """sums, counts: [points, seeds] of the runs that have the outcome; a point may have several with a seed."""

    sums: Array
    counts: Array


class Basis(NamedTuple):
    """Functions whose sum with independent coefficients is the curve: at_points [points, functions], at_places
    [places, functions], the first of which is 1."""

    at_points: Array
    at_places: Array


class Curve(NamedTuple):
    """An outcome at the places of the basis [places]: the median of what is possible, and the 95% band, pointwise."""

    middle: Array
    low: Array
    high: Array


def smooth_bases(positions: Array) -> list[Basis]:
    """One for each of LENGTHS, with PLACES. positions: [points] in [0, 1]."""
    return [Basis(_process(positions, length), _process(PLACES, length)) for length in LENGTHS]


def level_bases(levels: npt.NDArray[np.int64], count: int) -> list[Basis]:
    """Of a setting with so many levels without an order, which are the places. levels: [points] the number of each."""
    each = np.hstack([np.ones((count, 1)), np.eye(count)])
    return [Basis(each[levels], each)]


def share_curve(bases: list[Basis], outcomes: Outcomes) -> Curve:
    """The share of successes, of runs of any seed. outcomes: sums are numbers of successes."""
    model = _Model(bases, outcomes.counts, OF_SHARES, 1 / LEVEL**2)
    successes, runs = outcomes
    state = model.start()
    for _ in range(NEWTON_STEPS):
        mean = 1 / (1 + np.exp(-model.sums(state)))
        solution = model.solve(runs * np.maximum(mean * (1 - mean), 1e-6), successes - runs * mean, state)
        state = Terms(
            *(old + np.clip(new, -MAX_STEP, MAX_STEP) for old, new in zip(state, solution.terms, strict=True))
        )
    eta = model.sums(state)
    fit = np.sum(successes * eta - runs * np.logaddexp(0, eta), axis=(1, 2))
    chosen, curves = model.draw(fit - model.penalty(state) / 2 - solution.log_determinant() / 2, state, solution)
    spread = np.sum(model.variances[chosen, 1:], axis=1)[:, None]
    return _bands(_mean_share(curves, spread))


def log_curve(bases: list[Basis], outcomes: Outcomes) -> Curve:
    """How the mean differs from its average over the places: the luck that all runs of a seed share is gone from it.

    outcomes: sums are of logarithms.
    """
    model = _Model(bases, outcomes.counts, OF_LOGARITHMS, 0.0)
    known = (outcomes.counts > 0).astype(float)
    y = outcomes.sums / np.maximum(outcomes.counts, 1)
    y = known * (y - np.sum(y) / known.sum())
    solution = model.solve(known, y, model.start())
    state, freedom = solution.terms, max(1, int(known.sum()) - 1)
    squares = np.sum(known * (y - model.sums(state)) ** 2, axis=(1, 2)) + model.penalty(state)
    evidence = -freedom / 2 * np.log(np.maximum(squares, 1e-12)) - solution.log_determinant() / 2
    chance = np.random.default_rng(1).chisquare(freedom, DRAWS)
    curves = model.draw(evidence, state, solution, squares[:, None] / chance)[1]
    return _bands(curves - curves.mean(axis=1, keepdims=True))


class Terms(NamedTuple):
    """Under each hypothesis: common [hypotheses, functions + seeds] the level, the curve's coefficients and the luck
    of each seed; own [hypotheses, points] what a point adds."""

    common: Array
    own: Array


@dataclass(frozen=True)
class Solution:
    """terms: where the curvature leads from the slope. matrix: the precision of the common terms, without the points'
    own ones; own: the precision of these. prior: the precision before any run."""

    terms: Terms
    matrix: Array
    own: Array
    prior: Terms

    def covariance(self, hypothesis: int) -> Array:
        """Of the common terms."""
        return np.linalg.inv(self.matrix[hypothesis])

    def log_determinant(self) -> Array:
        """[hypotheses] of the whole precision, relative to that of the prior."""
        of_prior = sum(np.sum(np.log(np.where(each > 0, each, 1.0)), axis=1) for each in self.prior)
        return np.asarray(np.linalg.slogdet(self.matrix)[1] + np.sum(np.log(self.own), axis=1) - of_prior)


class _Model:
    """The sum of terms under each hypothesis, a choice of basis and sizes. variances: [hypotheses, 3]."""

    def __init__(self, bases: list[Basis], counts: Array, sizes: Sizes, level_precision: float):
        """counts: [points, seeds]."""
        chosen, self.variances = _hypotheses(sizes, len(bases))
        self.points, self.seeds = counts.shape
        self.at_points = np.stack([basis.at_points for basis in bases])[chosen]
        self.at_places = np.stack([basis.at_places for basis in bases])[chosen]
        self.width = self.at_points.shape[2]
        curve, points, seeds = (1 / self.variances).T[:, :, None]
        level = np.full((len(chosen), 1), level_precision)
        self.precision = Terms(
            np.hstack([level, np.repeat(curve, self.width - 1, axis=1), np.repeat(seeds, self.seeds, axis=1)]),
            np.repeat(points, self.points, axis=1),
        )

    def start(self) -> Terms:
        return Terms(np.zeros_like(self.precision.common), np.zeros_like(self.precision.own))

    def sums(self, terms: Terms) -> Array:
        """[hypotheses, points, seeds]."""
        width = self.width
        curve = np.einsum("hpk,hk->hp", self.at_points, terms.common[:, :width]) + terms.own
        return np.asarray(curve[:, :, None] + terms.common[:, None, width:])

    def penalty(self, terms: Terms) -> Array:
        """[hypotheses] twice the negative logarithm of the prior's density, but for its constant."""
        pairs = zip(self.precision, terms, strict=True)
        return np.asarray(sum(np.sum(precision * values**2, axis=1) for precision, values in pairs))

    def solve(self, weights: Array, slopes: Array, at: Terms) -> Solution:
        """One step of Newton's method. weights, slopes: [..., points, seeds] curvature and slope of the fit; 0: no run.

        What points add has a diagonal precision, so it is eliminated first: the time grows with the number of points.
        """
        shape = (len(self.variances), self.points, self.seeds)
        w, r = np.broadcast_to(weights, shape), np.broadcast_to(slopes, shape)
        columns = np.concatenate(
            [self.at_points * w.sum(axis=2)[:, :, None], w], axis=2
        )  # [hypotheses, points, common]: of the common terms with those of points
        own, width = w.sum(axis=2) + self.precision.own, self.width
        matrix = np.zeros((shape[0], columns.shape[2], columns.shape[2]))
        matrix[:, :width, :] = np.swapaxes(self.at_points, 1, 2) @ columns
        matrix[:, width:, :width] = np.swapaxes(matrix[:, :width, width:], 1, 2)
        diagonal = np.arange(columns.shape[2])
        matrix[:, diagonal[width:], diagonal[width:]] = w.sum(axis=1)
        matrix[:, diagonal, diagonal] += self.precision.common + 1e-9
        matrix -= np.swapaxes(columns, 1, 2) @ (columns / own[:, :, None])
        slope_own = r.sum(axis=2) - self.precision.own * at.own
        slope_common = np.hstack([np.einsum("hpk,hp->hk", self.at_points, r.sum(axis=2)), r.sum(axis=1)])
        slope_common -= self.precision.common * at.common
        reduced = slope_common - np.einsum("hpk,hp->hk", columns, slope_own / own)
        common = np.linalg.solve(matrix, reduced[:, :, None])[:, :, 0]
        step_own = (slope_own - np.einsum("hpk,hk->hp", columns, common)) / own
        return Solution(Terms(common, step_own), matrix, own, self.precision)

    def draw(
        self, evidence: Array, mode: Terms, solution: Solution, scales: Array | None = None
    ) -> tuple[npt.NDArray[np.int64], Array]:
        """(hypothesis [DRAWS], curve [DRAWS, places]) from the distribution of curves, always the same ones.

        scales: [hypotheses, DRAWS] of the variance.
        """
        weights = np.exp(evidence - evidence.max())
        shares = np.cumsum(weights) / weights.sum()
        chosen = np.minimum(np.searchsorted(shares, (np.arange(DRAWS) + 0.5) / DRAWS), len(weights) - 1)
        width = self.width
        rng = np.random.default_rng(0)
        curves = np.empty((DRAWS, self.at_places.shape[1]))
        for hypothesis in np.unique(chosen):
            which = np.flatnonzero(chosen == hypothesis)
            values, vectors = np.linalg.eigh(solution.covariance(hypothesis)[:width, :width])
            root = vectors * np.sqrt(np.maximum(values, 0.0))
            noise = rng.standard_normal((len(which), width)) @ root.T
            if scales is not None:
                noise *= np.sqrt(scales[hypothesis, which])[:, None]
            curves[which] = (mode.common[hypothesis, :width] + noise) @ self.at_places[hypothesis].T
        return chosen, curves


def _hypotheses(sizes: Sizes, bases: int) -> tuple[npt.NDArray[np.int64], Array]:
    """(number of its basis [hypotheses], variances of curve, points and seeds [hypotheses, 3])."""
    chosen, deviations = [], []
    for curve, points, seeds in product(*sizes):
        for basis in range(bases):
            if basis == bases - 1 or curve > FLAT:
                chosen.append(basis)
                deviations.append((curve, points, seeds))
    return np.array(chosen), np.array(deviations) ** 2


def _process(positions: Array, length: float) -> Array:
    """[positions, 1 + FUNCTIONS]: 1, and functions whose sum with coefficients of variance 1 is the process.

    They are its leading ones at PLACES (Nystroem's method).
    """
    values, vectors = _leading(length)
    kernel = np.exp(-0.5 * ((np.asarray(positions)[:, None] - PLACES) / length) ** 2)
    return np.hstack([np.ones((len(positions), 1)), kernel @ vectors / np.sqrt(values)])


@cache
def _leading(length: float) -> tuple[Array, Array]:
    kernel = np.exp(-0.5 * ((PLACES[:, None] - PLACES) / length) ** 2)
    values, vectors = np.linalg.eigh(kernel)
    leading = slice(None, -FUNCTIONS - 1, -1)
    return np.maximum(values[leading], 1e-7), vectors[:, leading]


def _mean_share(curves: Array, spread: Array) -> Array:
    """The mean of the logistic function over a normal term of this variance [draws, 1], by quadrature."""
    total = np.zeros_like(curves)
    for node, weight in zip(NODES, NODE_WEIGHTS / NODE_WEIGHTS.sum(), strict=True):
        total += weight / (1 + np.exp(-(curves + node * np.sqrt(spread))))
    return total


def _bands(curves: Array) -> Curve:
    low, middle, high = np.quantile(curves, [0.025, 0.5, 0.975], axis=0)
    return Curve(middle, low, high)
