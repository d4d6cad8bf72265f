"""Features of samples and of training images -> does the generator repeat images that it was trained on?"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gan_core.evaluation.neighbours import share

MAX_VALUES = 2**24
"""The most features of training images that are kept, all together: 64 MiB. Beyond it an even choice of images is."""
COPY_RATIO = 1 / 3
"""A sample is a copy if it is nearer to a training image than this share of the distance from that training image to
its own nearest neighbour among the training images. benchmarks/memorisation.py measures what other values would do."""
ITEMS_AT_ONCE, TRAINING_AT_ONCE = 512, 4096
"""The products of so many pairs are in memory at once: 8 MiB."""


class Memorisation(NamedTuple):
    """How near samples are to training images. Both are in [0, 1].

    authenticity  The share of samples whose nearest training image is farther away than that image's own nearest
                  neighbour among the training images (Alaa et al. 2022). Real images that were held out reach about one
                  half, and samples that are blurred, noisy or otherwise off reach 1. Copies are not authentic.
    copied        The share of samples that are far nearer than that: at most COPY_RATIO of that distance.
    """

    authenticity: float
    copied: float


class TrainingFeatures(NamedTuple):
    """The features of training images, ready to be searched.

    centre [d]: their mean. vectors [m, d]: without it, because products of vectors around 0 lose fewer digits.
    half_norms [m]: half of each one's squared length.
    """

    centre: Tensor
    vectors: Tensor
    half_norms: Tensor

    @classmethod
    def of(cls, features: Tensor) -> TrainingFeatures:
        """Prepares features [m, d] in float32. Raises ValueError if m < 2."""
        if len(features) < 2:
            raise ValueError(f"neighbours need at least 2 training images, there are {len(features)}")
        vectors = features - features.mean(dim=0)
        return cls(features.mean(dim=0), vectors, vectors.square().sum(dim=1) / 2)


def memorisation(training: TrainingFeatures, fake: Tensor) -> Memorisation:
    """How near the features `fake` [n, d] are to those of `training`. ValueError if n < 1.

    A copy of a training image that the data hold twice is not authentic, although both distances are 0.
    """
    if not len(fake):
        raise ValueError("there are no samples")
    items = fake - training.centre
    nearest = _nearest(training, items)
    touched, position = nearest.unique(return_inverse=True)
    neighbours = _nearest(training, training.vectors[touched], touched)
    distances = _distances(items, training.vectors[nearest])
    radii = _distances(training.vectors[touched], training.vectors[neighbours])[position]
    return Memorisation(share(distances > radii), share(distances <= COPY_RATIO * radii))


def _nearest(training: TrainingFeatures, items: Tensor, own: Tensor | None = None) -> Tensor:
    """The number of the training image that is nearest to each item [n, d], but not the one in `own` [n]: [n].

    If several images are equally near up to rounding, it may be any of them.
    """
    parts = items.split(ITEMS_AT_ONCE)
    owns = [None] * len(parts) if own is None else own.split(ITEMS_AT_ONCE)
    return torch.cat([_nearest_of_some(training, *rows) for rows in zip(parts, owns, strict=True)])


def _nearest_of_some(training: TrainingFeatures, items: Tensor, own: Tensor | None) -> Tensor:
    """Looks for the part of the training images with the nearest one, then in that part: a maximum is found much faster
    without its position.
    """
    highest = torch.full((len(items),), -torch.inf)
    part = torch.zeros(len(items), dtype=torch.long)
    for start in range(0, len(training.vectors), TRAINING_AT_ONCE):
        closeness = _closeness(training, start, items, own).amax(dim=1)
        part[closeness > highest] = start
        highest = torch.maximum(highest, closeness)
    nearest = torch.empty_like(part)
    for start in part.unique().tolist():
        members = part == start
        closeness = _closeness(training, start, items[members], None if own is None else own[members])
        nearest[members] = start + closeness.argmax(dim=1)
    return nearest


def _closeness(training: TrainingFeatures, start: int, items: Tensor, own: Tensor | None) -> Tensor:
    """x·y - |y|²/2 of each item x and each training image y of a part: the larger, the nearer. -inf for its own."""
    end = start + TRAINING_AT_ONCE
    closeness = torch.addmm(training.half_norms[start:end], items, training.vectors[start:end].T, beta=-1)
    if own is not None:
        (rows,) = ((own >= start) & (own < end)).nonzero(as_tuple=True)
        closeness[rows, own[rows] - start] = -torch.inf
    return closeness


def _distances(x: Tensor, y: Tensor) -> Tensor:
    """The distance of each pair of rows, exact enough to tell a copy from an image that is near: float64 [n]."""
    return (x.double() - y.double()).square().sum(dim=1).sqrt()
