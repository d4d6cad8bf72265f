"""Features -> kernel sums of random subsets -> kernel distance, which needs no Gaussian and has no bias."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

MAX_PAIRS = 2**22  # kernel values in memory at once: 32 MiB


def kernel_distance(
    real: Tensor, fake: Tensor, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Mean and standard deviation over subsets of the unbiased MMD² with the kernel (x·y/d + 1)³.

    `real` [n, d], `fake` [m, d]. On features of an Inception network this is the KID (Bińkowski et al. 2018). It is
    unbiased, so it may be negative if the sets are alike. ValueError if a subset would have fewer than 2 items.

    A subset has `subset_size` items, but at most half of the smaller set. Larger subsets would share nearly all items,
    so their standard deviation would be near 0 whatever the error. With halves of sets of equal size it is one to two
    times the standard error of the mean, and one if the sets differ much (the delete-half jackknife, Shao & Wu 1989).

    The subsets are those that torch-fidelity 0.4.0 draws for the same seed and size. Time is O((n² + m²)(d + subsets)).
    """
    smaller = min(len(real), len(fake))
    size = min(subset_size, smaller // 2)
    if size < 2:
        raise ValueError(
            f"a subset needs 2 items: subset_size is {subset_size}, half of the smaller set {smaller // 2}"
        )
    real, fake = (features.detach().to("cpu", torch.float64) for features in (real, fake))
    in_real, in_fake = _draw(len(real), len(fake), subsets, size, seed)
    within = _pair_sums(real, real, in_real, in_real) - in_real @ _kernel_with_itself(real)
    within += _pair_sums(fake, fake, in_fake, in_fake) - in_fake @ _kernel_with_itself(fake)
    between = _pair_sums(real, fake, in_real, in_fake)
    distances = within / (size * (size - 1)) - 2 * between / size**2
    return distances.mean().item(), distances.std(correction=0).item()


def _draw(n: int, m: int, subsets: int, size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random subsets as matrices of 0 and 1, [subsets, n] and [subsets, m]: 1 if an item is in a subset."""
    random = np.random.RandomState(seed)
    in_real, in_fake = (torch.zeros(subsets, count, dtype=torch.float64) for count in (n, m))
    for subset in range(subsets):
        for members in (in_real, in_fake):
            members[subset, random.choice(members.shape[1], size, replace=False)] = 1
    return in_real, in_fake


def _pair_sums(x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor) -> Tensor:
    """For each subset, the sum of the kernel over its pairs of an item of x and an item of y: [subsets].

    With the kernel of all pairs in one matrix K this is the diagonal of in_x K in_yᵀ, so K is computed once for all
    subsets.
    """
    sums = torch.zeros(len(in_x), dtype=torch.float64)
    rows = max(1, MAX_PAIRS // len(y))
    for x_rows, in_x_rows in zip(x.split(rows), in_x.split(rows, dim=1), strict=True):
        kernel = (x_rows @ y.T / x.shape[1] + 1) ** 3
        sums += (in_x_rows @ kernel * in_y).sum(dim=1)
    return sums


def _kernel_with_itself(features: Tensor) -> Tensor:
    return (features.square().sum(dim=1) / features.shape[1] + 1) ** 3
