"""A Gaussian process seen through outcomes that are yes or no: P(yes) at x is Phi(f(x)).

The posterior is approximated by expectation propagation (Minka 2001; Rasmussen and Williams 2006, chapter 3.6), which
gives probabilities that can be trusted, where Laplace's approximation makes them too timid (Nickisch and Rasmussen
2008). All sites are updated at once, for many kernels side by side. Each outcome becomes a site, a normal observation
of f, so that everything after it is the algebra of normal variables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from orchestrator.statistics.intervals import Array

SWEEPS = 40
"""Most updates of all sites: 8 to 15 are usual."""
DAMPING = 0.8
"""Part of an update that is made at once: with all sites at the same time, a whole one can swing."""
TOLERANCE = 1e-2
"""Largest change of a mean of f, in deviations of chance, after which the sites count as found."""
SMALLEST_PRECISION = 1e-8
LOG_ROOT_TAU = 0.5 * float(np.log(2 * np.pi))


@dataclass(frozen=True)
class Sites:
    """What the outcomes say of f at their points, under each kernel: normal observations.

    means_times_precisions, precisions: [kernels, points]. gain: [kernels, points, points], with which a covariance k
    between a new point and the points gives the variance k' gain k by which it is known better. weights: [kernels,
    points], with which k gives the mean. evidence: [kernels] log of the probability of the outcomes.
    """

    gain: Array
    weights: Array
    evidence: Array


def find_sites(kernels: Array, outcomes: Array) -> Sites:
    """kernels: [kernels, points, points] covariances of f. outcomes: [points] 1 for yes, -1 for no."""
    count, points = kernels.shape[:2]
    diagonal = np.einsum("hii->hi", kernels)
    precision, shift = np.zeros((2, count, points))
    mean, variance = np.zeros((count, points)), diagonal.copy()
    for _ in range(SWEEPS):
        cavity_precision = np.maximum(1 / variance - precision, SMALLEST_PRECISION)
        cavity_shift = mean / variance - shift
        _, slope, curvature = _tilted(cavity_precision, cavity_shift, outcomes)
        # the moments of the tilted distribution, as a site beside the cavity
        new_precision = np.maximum(curvature / (1 - curvature / cavity_precision), SMALLEST_PRECISION)
        cavity_mean = cavity_shift / cavity_precision
        new_shift = (slope + cavity_mean * curvature) / (1 - curvature / cavity_precision)
        precision = precision + DAMPING * (new_precision - precision)
        shift = shift + DAMPING * (new_shift - shift)
        gain, before = _gain(kernels, precision), mean
        projected = kernels @ gain
        variance = np.maximum(diagonal - np.sum(projected * kernels, axis=2), 1e-10)
        mean = np.einsum("hij,hj->hi", kernels, shift) - np.einsum(
            "hij,hj->hi", projected, np.einsum("hij,hj->hi", kernels, shift)
        )
        if np.max(np.abs(mean - before)) < TOLERANCE:
            break
    gain = _gain(kernels, precision)
    log_determinant = np.linalg.slogdet(_inner(kernels, np.sqrt(precision)))[1]
    weights = shift - np.einsum("hij,hj->hi", gain, np.einsum("hij,hj->hi", kernels, shift))
    return Sites(gain, weights, _evidence(mean, variance, precision, shift, outcomes, log_determinant))


def _tilted(precision: Array, shift: Array, outcomes: Array) -> tuple[Array, Array, Array]:
    """(log of the probability of the outcome, its slope, its negative curvature) by the mean of each cavity."""
    variance = 1 / precision
    deviation = np.sqrt(1 + variance)
    z = outcomes * shift * variance / deviation
    log_probability = log_ndtr(z)
    ratio = np.exp(-0.5 * z**2 - LOG_ROOT_TAU - log_probability)
    return log_probability, outcomes * ratio / deviation, ratio * (z + ratio) / (1 + variance)


def _gain(kernels: Array, precision: Array) -> Array:
    """(K + 1 / precision)^-1."""
    root = np.sqrt(precision)
    return np.asarray(root[:, :, None] * np.linalg.inv(_inner(kernels, root)) * root[:, None, :])


def _inner(kernels: Array, root: Array) -> Array:
    """1 + root K root, whose eigenvalues are at least 1."""
    inner = root[:, :, None] * kernels * root[:, None, :]
    diagonal = np.arange(inner.shape[1])
    inner[:, diagonal, diagonal] += 1
    return inner


def _evidence(
    mean: Array, variance: Array, precision: Array, shift: Array, outcomes: Array, log_determinant: Array
) -> Array:
    """Rasmussen and Williams (2006), equations 3.65, 3.73 and 3.74."""
    cavity_precision = np.maximum(1 / variance - precision, SMALLEST_PRECISION)
    cavity_shift = mean / variance - shift
    log_probability = _tilted(cavity_precision, cavity_shift, outcomes)[0]
    total = cavity_precision + precision
    cavity_mean = cavity_shift / cavity_precision
    terms = log_probability + 0.5 * np.log1p(precision / cavity_precision)
    terms += 0.5 * shift * mean - 0.5 * shift**2 / total
    terms += 0.5 * cavity_shift * (precision * cavity_mean - 2 * shift) / total
    return np.asarray(terms.sum(axis=1) - 0.5 * log_determinant)
