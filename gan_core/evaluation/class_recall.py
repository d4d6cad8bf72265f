"""Features and classes -> the recall of each class that a generator was asked for."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_core.evaluation.manifold import manifold

MIN_PER_CLASS = 20
"""Fewest real and fewest generated images of a class of which its recall is measured."""


def class_recall(real: Tensor, real_classes: Tensor, fake: Tensor, requested: Tensor, k: int = 5) -> dict[int, float]:
    """Class -> recall (Kynkäänniemi et al. 2019) of its real images among the samples that were asked for as it.

    A conditional generator can draw one image for a class while all other classes vary. The recall of all samples
    hardly falls then; the recall of this class is 0.

    `real` [n, d] with `real_classes` [n], `fake` [m, d] with `requested` [m]. Classes with fewer than MIN_PER_CLASS
    images on either side are left out.
    """
    real_classes, requested = real_classes.cpu(), requested.cpu()
    recalls = {}
    for label in torch.unique(requested).tolist():
        real_items, fake_items = real[real_classes == label], fake[requested == label]
        if min(len(real_items), len(fake_items)) >= MIN_PER_CLASS:
            recalls[label] = manifold(real_items, fake_items, k).recall
    return recalls
