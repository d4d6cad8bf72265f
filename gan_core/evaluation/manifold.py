"""Features -> balls that reach to the k-th neighbour -> precision, recall, density and coverage.

Precision and density measure fidelity, recall and coverage measure diversity.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gan_core.evaluation.neighbours import distances_by_rows, radii, share


class Manifold(NamedTuple):
    """How well two sets cover each other. All values are in [0, 1], except density in [0, n / k].

    precision  The share of fakes that lie in the ball of some real item: are they plausible?
    recall     The share of real items that lie in the ball of some fake: could they have been generated?
    density    The mean number of real balls that contain a fake, divided by k: about 1 for a perfect generator, above 1
               if the fakes are mostly where real items are dense.
    coverage   The share of real items whose ball contains a fake: is every kind of item generated?
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(real: Tensor, fake: Tensor, k: int = 5) -> Manifold:
    """Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

    `real` [n, d], `fake` [m, d]. The ball of an item reaches to its k-th nearest neighbour in its own set. ValueError
    if a set has fewer than k + 1 items.

    Balls are closed, as Kynkäänniemi et al. define them, so the recall of a set against itself is 1 even if items are
    repeated. The prdc package uses open balls, which differs only for distances that are equal to the last bit: the
    density of a set against itself is 1 there and 1 + 1 / k here.
    """
    for name, items in (("real", real), ("fake", fake)):
        if len(items) < k + 1:
            raise ValueError(
                f"the k-th neighbour needs at least k + 1 = {k + 1} items, the {name} set has {len(items)}"
            )
    real, fake = (features.detach().to("cpu", torch.float64) for features in (real, fake))
    real_radii, fake_radii = radii(real, k), radii(fake, k)
    pairs_in_balls, is_plausible = 0, torch.zeros(len(fake), dtype=torch.bool)
    is_covered, is_recalled = [], []
    start = 0
    for distances in distances_by_rows(real, fake):
        in_ball_of_real = distances <= real_radii[start : start + len(distances), None]
        start += len(distances)
        pairs_in_balls += int(in_ball_of_real.sum())
        is_plausible |= in_ball_of_real.any(dim=0)
        is_covered.append(in_ball_of_real.any(dim=1))
        is_recalled.append((distances <= fake_radii).any(dim=1))
    return Manifold(
        precision=share(is_plausible),
        recall=share(torch.cat(is_recalled)),
        density=pairs_in_balls / (k * len(fake)),
        coverage=share(torch.cat(is_covered)),
    )
