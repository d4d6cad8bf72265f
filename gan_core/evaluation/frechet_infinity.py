"""Features -> the Frechet distance that infinitely many samples would have."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gan_core.evaluation.frechet import Reference, distance_to, moments

MIN_ITEMS_PER_DIMENSION = 2
"""The smallest sets of samples that a distance is computed of, per dimension of the features. In smaller sets the
distance is no straight line in 1 / n any more."""
MAX_PARTS = 4
MAX_PARTS_OF_MANY_DIMENSIONS, MANY_DIMENSIONS = 2, 512
"""Inception's features have 2048 dimensions, and each distance takes seconds there."""


def frechet_infinity(real: Reference, fake: Tensor, classes: Tensor | None = None) -> float | None:
    """The Frechet distance of `fake` [n, d] to `real`, extrapolated to n -> infinity (Chong and Forsyth 2020).

    A distance between moments is too large by about a constant / n, and the constant depends on the generator. So the
    samples are divided at random, but always alike, into 1, 2, 3 and 4 parts. A straight line through the mean
    distances of the parts against 1 / n is read off at 0. Unlike random subsets, parts of one division share no sample,
    so that every sample counts equally.

    classes [n]: the classes that the generator was asked for, each equally often; every part has its share of each.
    None if the samples are too few for two parts. May be slightly negative.
    """
    parts = parts_of(*fake.shape)
    if parts < 2:
        return None
    order = torch.from_numpy(np.random.RandomState(0).permutation(len(fake)))
    if classes is not None:
        order = order[classes[order].argsort(stable=True)]
    inverse_sizes, distances = [], []
    for count in range(1, parts + 1):
        chosen = [order[first::count] for first in range(count)]
        inverse_sizes.append(sum(1 / len(part) for part in chosen) / count)
        distances.append(sum(distance_to(real, moments(fake[part])) for part in chosen) / count)
    _, at_zero = np.polyfit(inverse_sizes, distances, 1)
    return float(at_zero)


def parts_of(samples: int, dimensions: int) -> int:
    """The largest number of parts into which so many samples are divided; below 2 nothing can be extrapolated."""
    max_parts = MAX_PARTS if dimensions < MANY_DIMENSIONS else MAX_PARTS_OF_MANY_DIMENSIONS
    return min(max_parts, samples // (MIN_ITEMS_PER_DIMENSION * dimensions))
