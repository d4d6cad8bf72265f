"""P(stable) over a space of settings, from runs that were stable or not, with how surely it is known.

P(stable) at a point is Phi(f), where f is a Gaussian process over the unit cube with a length for each setting
(`probit_process`). The lengths and the height of f are not estimated but averaged over: a grid of them, each weighted
by how well it explains the runs, so that with few runs the map is as vague as it should be.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import ndtr, ndtri

from orchestrator.statistics.intervals import Array
from orchestrator.statistics.probit_process import Sites, find_sites

LENGTHS = {2: (0.2, 0.5, 1.3), 3: (0.2, 0.5, 1.3), 4: (0.3, 1.0)}
"""Of the bends of f, as parts of the range, by the number of settings: fewer of many settings, since their product is
tried. The longest is nearly a straight line."""
USUAL_LENGTH, LENGTH_SPREAD = 0.4, 0.8
"""Before any run the logarithm of a length is normal with this deviation: without it the first runs would be taken as
easily for a setting that decides all as for settings that matter alike."""
HEIGHTS = (1.5, 4.0, 10.0)
"""Standard deviations of f. With the largest the outcome changes within a tenth of a length."""
LEVEL = 1.0
"""Standard deviation of the mean of f."""
NEGLIGIBLE = 0.02
"""Weight, relative to the largest, below which a hypothesis is left out."""
MOST_HYPOTHESES = 10


@dataclass(frozen=True)
class Belief:
    """What is known of f at some points: under each hypothesis it is normal, and so are all of them together.

    weights: [hypotheses], sum 1. mean, variance: [hypotheses, points].
    """

    weights: Array
    mean: Array
    variance: Array

    def probability(self) -> Array:
        """[points] P(stable) of a run there."""
        return np.asarray(self.weights @ ndtr(self.mean / np.sqrt(1 + self.variance)))

    def above(self, share: float) -> Array:
        """[points] how probable it is that P(stable) there is more than `share`."""
        return np.asarray(self.weights @ ndtr((self.mean - ndtri(share)) / np.sqrt(self.variance)))

    def moments(self) -> tuple[Array, Array]:
        """(mean, variance) [points] of f over all hypotheses."""
        mean = self.weights @ self.mean
        return mean, self.weights @ (self.variance + (self.mean - mean) ** 2)

    def quantile(self, part: float) -> Array:
        """[points] the value below which P(stable) there is with probability `part`."""
        spread = np.sqrt(self.variance)
        reach = ndtri(part) * spread
        low, high = (self.mean + reach).min(axis=0), (self.mean + reach).max(axis=0)
        for _ in range(25):
            middle = (low + high) / 2
            is_below = self.weights @ ndtr((middle - self.mean) / spread) < part
            low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
        return np.asarray(ndtr((low + high) / 2))


@dataclass(frozen=True)
class StabilityModel:
    """points: [runs, settings] in the unit cube. lengths: [hypotheses, settings]; heights: [hypotheses] standard
    deviations of f; weights: [hypotheses]."""

    points: Array
    lengths: Array
    heights: Array
    weights: Array
    sites: Sites

    def belief(self, points: Array) -> Belief:
        """points: [points, settings]."""
        across = kernels(points, self.points, self.lengths, self.heights)
        mean = np.einsum("hpi,hi->hp", across, self.sites.weights)
        known = np.einsum("hpi,hpi->hp", across @ self.sites.gain, across)
        prior = (LEVEL**2 + self.heights**2)[:, None]
        return Belief(self.weights, mean, np.maximum(prior - known, 1e-8))

    def covariance(self, left: Array, right: Array) -> Array:
        """[left, right] of f between points [left, settings] and [right, settings], given the runs, over all
        hypotheses: that they differ in their means makes points vary together, too."""
        to_left = kernels(left, self.points, self.lengths, self.heights)
        to_right = kernels(right, self.points, self.lengths, self.heights)
        known = to_left @ self.sites.gain @ np.swapaxes(to_right, 1, 2)
        within = np.tensordot(self.weights, kernels(left, right, self.lengths, self.heights) - known, 1)
        of_left, of_right = (np.einsum("hpi,hi->hp", each, self.sites.weights) for each in (to_left, to_right))
        between = (self.weights[:, None] * (of_left - self.weights @ of_left)).T @ (of_right - self.weights @ of_right)
        return np.asarray(within + between)


def fit(points: Array, stable: Array) -> StabilityModel:
    """points: [runs, settings] in the unit cube, 1 to 4 settings. stable: [runs] 1 or 0."""
    settings = points.shape[1]
    grid = list(product(HEIGHTS, *[LENGTHS[settings]] * settings))
    heights, lengths = np.array(grid)[:, 0], np.array(grid)[:, 1:]
    sites = find_sites(kernels(points, points, lengths, heights), np.where(stable > 0.5, 1.0, -1.0))
    plausible = sites.evidence - 0.5 * np.sum((np.log(lengths / USUAL_LENGTH) / LENGTH_SPREAD) ** 2, axis=1)
    weights = np.exp(plausible - plausible.max())
    kept = np.argsort(-weights, kind="stable")[:MOST_HYPOTHESES]
    kept = kept[weights[kept] > NEGLIGIBLE]
    of_kept = Sites(*(values[kept] for values in (sites.gain, sites.weights, sites.evidence)))
    return StabilityModel(points, lengths[kept], heights[kept], weights[kept] / weights[kept].sum(), of_kept)


def kernels(left: Array, right: Array, lengths: Array, heights: Array, level: float = LEVEL) -> Array:
    """[hypotheses, left, right] covariance before any run: Matern's of 5/2, and a common level of this deviation."""
    a, b = left[None] / lengths[:, None], right[None] / lengths[:, None]
    squared = np.sum(a**2, axis=2)[:, :, None] + np.sum(b**2, axis=2)[:, None] - 2 * a @ np.swapaxes(b, 1, 2)
    distance = np.sqrt(5 * np.maximum(squared, 0))
    return np.asarray(level**2 + (heights**2)[:, None, None] * (1 + distance + distance**2 / 3) * np.exp(-distance))
