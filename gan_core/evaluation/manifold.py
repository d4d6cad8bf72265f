"""Features -> balls of the k-th neighbour -> precision, recall, density, coverage: fidelity apart from diversity."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

PAIRS = 2**22  # distances held at once: 32 MiB


class Manifold(NamedTuple):
    """How well two sets cover each other. All lie in [0, 1], but density in [0, n / k].

    precision  The share of fakes that lie in the ball of some real item: are they plausible?
    recall     The share of real items that lie in the ball of some fake: could they have been generated?
    density    The mean number of real balls that a fake lies in, over k: about 1 for a perfect generator, above 1 where
               the fakes keep to where the real items are dense.
    coverage   The share of real items whose ball holds a fake: is every kind of item generated?
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(real: Tensor, fake: Tensor, k: int = 5) -> Manifold:
    """Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

    `real` [n, d], `fake` [m, d]. The ball of an item reaches to its k-th nearest neighbour in its own set. ValueError
    where a set has fewer than k + 1 items.

    Balls are closed, as Kynkäänniemi et al. define them, so that a set recalls itself even where it repeats itself. The
    prdc package leaves the rim out, which differs only where distances are equal to the last bit: of a set against
    itself, the density is 1 there and 1 + 1 / k here.
    """
    for name, items in (("real", real), ("fake", fake)):
        if len(items) < k + 1:
            raise ValueError(
                f"the k-th neighbour needs at least k + 1 = {k + 1} items, the {name} set has {len(items)}"
            )
    real, fake = (features.detach().to("cpu", torch.float64) for features in (real, fake))
    real_radii, fake_radii = _radii(real, k), _radii(fake, k)
    in_balls, plausible = 0, torch.zeros(len(fake), dtype=torch.bool)
    covered, recalled = [], []
    rows = _rows_at_once(fake)
    for some_real, radii in zip(real.split(rows), real_radii.split(rows), strict=True):
        distances = _distances(some_real, fake)
        in_ball_of_real = distances <= radii[:, None]
        in_balls += int(in_ball_of_real.sum())
        plausible |= in_ball_of_real.any(dim=0)
        covered.append(in_ball_of_real.any(dim=1))
        recalled.append((distances <= fake_radii).any(dim=1))
    return Manifold(
        precision=_share(plausible),
        recall=_share(torch.cat(recalled)),
        density=in_balls / (k * len(fake)),
        coverage=_share(torch.cat(covered)),
    )


def _radii(features: Tensor, k: int) -> Tensor:
    """The distance of every item to its k-th nearest neighbour: [n]. The item itself, at 0, is not its neighbour."""
    some = features.split(_rows_at_once(features))
    return torch.cat([_distances(rows, features).kthvalue(k + 1, dim=1).values for rows in some])


def _distances(x: Tensor, y: Tensor) -> Tensor:
    # By matrix product, two equal items would lie apart by a round-off that depends on the chunk that they are in
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")


def _rows_at_once(columns: Tensor) -> int:
    return max(1, PAIRS // len(columns))


def _share(which: Tensor) -> float:
    return int(which.sum()) / len(which)
