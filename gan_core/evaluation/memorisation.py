"""Features of samples and of training images -> does the generator repeat images that it was trained on?"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

MAX_VALUES = 2**24
"""The most features of training images that are kept, all together: 64 MiB. Beyond it an even choice of images is."""
COPY_RATIO = 1 / 3
"""A sample is a copy if it is nearer to a training image than this share of the distance from that training image to
its own nearest neighbour among the training images. benchmarks/memorisation.py measures what other values would do."""
MAX_PAIRS = 2**22  # products in memory at once: 16 MiB


class Memorisation(NamedTuple):
    """How near samples are to training images. Both are in [0, 1].

    authenticity  The share of samples whose nearest training image is farther away than that image's own nearest
                  neighbour among the training images (Alaa et al. 2022). Real images that were held out reach about one
                  half, and samples that are blurred, noisy or otherwise off reach 1. Copies are not authentic.
    copied        The share of samples that are far nearer than that: at most COPY_RATIO of that distance.
    """

    authenticity: float
    copied: float


def memorisation(training: Tensor, fake: Tensor) -> Memorisation:
    """How near `fake` [n, d] is to `training` [m, d], in float32 features. ValueError if m < 2 or n < 1.

    A copy of a training image that the data hold twice is not authentic, although both distances are 0.
    """
    if len(training) < 2 or not len(fake):
        raise ValueError(f"{len(fake)} samples cannot be compared with {len(training)} training images")
    centre = training.mean(dim=0)  # the products of vectors around 0 lose fewer digits
    centred, half_norms = training - centre, (training - centre).square().sum(dim=1) / 2
    nearest = _nearest(centred, half_norms, fake - centre)
    touched, position = nearest.unique(return_inverse=True)
    neighbours = _nearest(centred, half_norms, centred[touched], touched)
    distances = _distances(fake, training[nearest])
    radii = _distances(training[touched], training[neighbours])[position]
    return Memorisation(_share(distances > radii), _share(distances <= COPY_RATIO * radii))


def _nearest(training: Tensor, half_norms: Tensor, items: Tensor, own: Tensor | None = None) -> Tensor:
    """The number of the training image [m, d] that is nearest to each item [n, d], but not the one in `own` [n]: [n].

    The nearest has the largest x·y - |y|²/2. Of images that are equally near up to rounding it may be any.
    """
    chosen = []
    rows = max(1, MAX_PAIRS // len(training))
    for start in range(0, len(items), rows):
        closeness = torch.addmm(half_norms, items[start : start + rows], training.T, beta=-1)
        if own is not None:
            closeness.scatter_(1, own[start : start + rows, None], -torch.inf)
        chosen.append(closeness.argmax(dim=1))
    return torch.cat(chosen)


def _distances(x: Tensor, y: Tensor) -> Tensor:
    """The distance of each pair of rows, exact enough to tell a copy from an image that is near: float64 [n]."""
    return (x.double() - y.double()).square().sum(dim=1).sqrt()


def _share(is_member: Tensor) -> float:
    return int(is_member.sum()) / len(is_member)
