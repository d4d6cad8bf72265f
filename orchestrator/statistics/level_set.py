"""Where the next run tells most of the boundary between stable and not: the set where P(stable) is 50%.

The error of a place is the chance that it is on the wrong side of that line. The run that is expected to leave least of
it is chosen (stepwise uncertainty reduction: Bect et al. 2012). Places are drawn in proportion to their doubt and then
averaged as they are: so what is made small is the sum of doubt times error over the space, and not the area on the
wrong side, for which each place would be divided by its doubt. Both ends of the run, stable and not, are looked ahead
to in closed form, which Letham et al. (2022) have for outcomes that are yes or no; they find it better than the
straddle of Bryan et al. (2005), which looks only at the point itself.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from orchestrator.statistics.intervals import Array
from orchestrator.statistics.stability_model import StabilityModel

CANDIDATES, PLACES = 100, 160
"""Points that are tried, and those at which the error is counted: mostly where the line can be."""
NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(6)


def most_telling(model: StabilityModel, pending: Array, base: Array) -> Array:
    """The point [settings] of the unit cube for the next run: one of `base`, [points, settings], which stand for the
    whole space. pending: [points, settings] those that run now.
    """
    mean, variance = model.belief(base).moments()
    doubt = ndtr(-np.abs(mean) / np.sqrt(variance))
    places = base[_systematic(doubt, PLACES)]
    candidates = base[np.unique(_systematic(doubt, CANDIDATES))]
    return np.asarray(candidates[np.argmin(expected_error(model, candidates, places, pending))])


def expected_error(model: StabilityModel, candidates: Array, places: Array, pending: Array) -> Array:
    """[candidates] the part of the places expected on the wrong side after one more run, at each candidate.

    It is a part of the space only if the places stand for it evenly.

    f is taken for normal, with the mean and the covariance that it has over all hypotheses. Of pending runs only that
    it will be better known there is taken into account, and no outcome.
    """
    rows = np.vstack([pending, candidates])
    points = np.vstack([rows, places])
    mean, variance = model.belief(points).moments()
    covariance = model.covariance(rows, points)
    for number in range(len(pending)):
        of_run = covariance[number]
        known = of_run * np.sqrt(_information(mean[number], of_run[number]))
        variance = np.maximum(variance - known**2, 1e-8)
        covariance = covariance - known[: len(rows), None] * known
    tried, looked_at = slice(len(pending), len(rows)), slice(len(rows), None)
    deviation = np.sqrt(1 + variance[tried])
    spread = np.sqrt(variance[looked_at])
    correlation = covariance[tried, looked_at] / (deviation[:, None] * spread)
    error = _error_after(
        (mean[looked_at] / spread)[None, :], (mean[tried] / deviation)[:, None], np.clip(correlation, -0.999, 0.999)
    )
    return np.asarray(error.mean(axis=1))


def _error_after(place: Array, run: Array, correlation: Array) -> Array:
    """Probability to be on the wrong side of the line at a place, after the outcome of a run, on average over it.

    place, run: means over deviations. Both ends of the run divide each side of the place in two, of which the smaller
    one is the error.
    """
    both = _both_positive(place, run, correlation)
    above, stable = ndtr(place), ndtr(run)
    return np.minimum(both, stable - both) + np.minimum(above - both, 1 - stable - above + both)


def _both_positive(first: Array, second: Array, correlation: Array) -> Array:
    """P(X > 0 and Y > 0) of normal variables with these means and variance 1 (Plackett 1954), by quadrature."""
    half = np.arcsin(correlation) / 2
    total = np.zeros(np.broadcast_shapes(first.shape, second.shape, half.shape))
    squares, product = first**2 + second**2, 2 * first * second
    for node, weight in zip(NODES, NODE_WEIGHTS, strict=True):
        sine = np.sin(half * (node + 1))
        total += weight * np.exp(-(squares - product * sine) / (2 * (1 - sine**2)))
    return np.asarray(ndtr(first) * ndtr(second) + half * total / (2 * np.pi))


def _information(mean: float, variance: float) -> float:
    """How much a run lowers the variance of f there, divided by its square, on average over the outcome."""
    z = mean / np.sqrt(1 + variance)
    density = np.exp(-(z**2)) / (2 * np.pi)
    return float(density / max(ndtr(z) * ndtr(-z), 1e-12) / (1 + variance))


def _systematic(weights: Array, count: int) -> np.ndarray:
    """Numbers of `count` points, each with a chance of its weight, at even distances."""
    shares = np.cumsum(weights + 1e-9)
    return np.searchsorted(shares / shares[-1], (np.arange(count) + 0.5) / count)
