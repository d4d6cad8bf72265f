"""Features -> distances to neighbours, in parts that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

MAX_PAIRS = 2**22  # distances in memory at once: 32 MiB


def distances_by_rows(x: Tensor, y: Tensor) -> Iterator[Tensor]:
    """The distances of some rows of x [n, d] to all rows of y [m, d], in order: float64 [rows, m] each."""
    for rows in x.split(max(1, MAX_PAIRS // len(y))):
        # A matrix product would give two equal items a distance by rounding, which depends on the part they are in
        yield torch.cdist(rows, y, compute_mode="donot_use_mm_for_euclid_dist")


def radii(features: Tensor, k: int) -> Tensor:
    """The distance of each item [n, d] to its k-th nearest neighbour, itself not counted: [n]."""
    return torch.cat([distances.kthvalue(k + 1, dim=1).values for distances in distances_by_rows(features, features)])


def pairs_within(spaces: Sequence[tuple[Tensor, float]]) -> int:
    """The number of ordered pairs of n items that are near in every space, each item with itself included.

    spaces: in each, the items [n, d] and the distance up to which two of them are near.
    """
    rows = zip(*(distances_by_rows(items, items) for items, _ in spaces), strict=True)
    limits = [limit for _, limit in spaces]
    return sum(
        int(torch.stack([part <= limit for part, limit in zip(parts, limits, strict=True)]).all(dim=0).sum())
        for parts in rows
    )


def share(is_member: Tensor) -> float:
    """The share of the items for which `is_member` [n] is True."""
    return int(is_member.sum()) / len(is_member)
