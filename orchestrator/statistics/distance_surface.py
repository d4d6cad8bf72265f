"""The Frechet distance over a space of settings, from the runs that drew: a smooth surface of its logarithm.

A Gaussian process with a length for each setting, and chance between runs. Lengths and the size of chance are averaged
over, as in `stability_model`; the common scale is integrated out (Rasmussen and Williams 2006, chapter 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import ndtri

from orchestrator.statistics.intervals import Array
from orchestrator.statistics.stability_model import LENGTHS, kernels

SIGNALS = (0.5, 1.5, 5.0)
"""Standard deviations of the surface, relative to chance between runs."""
LEVEL = 30.0
"""Standard deviation of the mean of the surface, relative to chance: nothing is known of it."""
MIN_RUNS = 5
"""Fewest runs of a surface: its scale needs some."""


@dataclass(frozen=True)
class DistanceSurface:
    """points: [runs, settings]. lengths: [hypotheses, settings]; signals, weights: [hypotheses].

    gain: [hypotheses, runs, runs] inverse of the runs' covariance, relative to chance; slopes: [hypotheses, runs] times
    the logarithms; chance: [hypotheses] variance of chance. middle: the mean of the logarithms.
    """

    points: Array
    lengths: Array
    signals: Array
    weights: Array
    gain: Array
    slopes: Array
    chance: Array
    middle: float

    def expected(self, points: Array, part: float = 0.9) -> tuple[Array, Array, Array]:
        """Of a run at each point: (median distance, and the ends of the interval in which `part` of runs are)."""
        across = kernels(points, self.points, self.lengths, self.signals, LEVEL)
        means = np.einsum("hpi,hi->hp", across, self.slopes)
        known = np.einsum("hpi,hpi->hp", across @ self.gain, across)
        prior = (LEVEL**2 + self.signals**2)[:, None]
        variances = self.chance[:, None] * (1 + np.maximum(prior - known, 0))
        mean = self.weights @ means
        spread = np.sqrt(self.weights @ (variances + means**2) - mean**2)
        reach = float(ndtri((1 + part) / 2)) * spread
        middle = self.middle + mean
        return np.exp(middle), np.exp(middle - reach), np.exp(middle + reach)


def fit_distances(points: Array, distances: Array) -> DistanceSurface | None:
    """points: [runs, settings] in the unit cube. distances: [runs], positive. None with fewer than MIN_RUNS."""
    runs, settings = points.shape
    if runs < MIN_RUNS:
        return None
    grid = np.array(list(product(SIGNALS, *[LENGTHS[settings]] * settings)))
    signals, lengths = grid[:, 0], grid[:, 1:]
    logarithms = np.log(distances)
    middle = float(logarithms.mean())
    covariance = kernels(points, points, lengths, signals, LEVEL) + np.eye(runs)
    gain: Array = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    slopes = gain @ (logarithms - middle)
    squares = np.maximum(slopes @ (logarithms - middle), 1e-9)
    evidence = -0.5 * np.linalg.slogdet(covariance)[1] - (runs - 1) / 2 * np.log(squares)
    weights = np.exp(evidence - evidence.max())
    chance = squares / max(1, runs - 3)  # the mean of its distribution
    return DistanceSurface(points, lengths, signals, weights / weights.sum(), gain, slopes, chance, middle)
