"""Features -> distances to neighbours, in parts that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

MAX_PAIRS = 2**22  # distances in memory at once: 32 MiB


def distances_by_rows(x: Tensor, y: Tensor, by_product: bool = False) -> Iterator[Tensor]:
    """The distances of some rows of x [n, d] to all rows of y [m, d], in order: float64 [rows, m] each.

    by_product: as a matrix product, which is many times faster, and gives two equal items a distance by rounding, which
    depends on the part they are in. It is exact for numbers with few digits.
    """
    mode = "use_mm_for_euclid_dist" if by_product else "donot_use_mm_for_euclid_dist"
    for rows in x.split(max(1, MAX_PAIRS // len(y))):
        yield torch.cdist(rows, y, compute_mode=mode)


def radii(features: Tensor, k: int) -> Tensor:
    """The distance of each item [n, d] to its k-th nearest neighbour, itself not counted: [n]."""
    return torch.cat([distances.kthvalue(k + 1, dim=1).values for distances in distances_by_rows(features, features)])


def share(is_member: Tensor) -> float:
    """The share of the items for which `is_member` [n] is True."""
    return int(is_member.sum()) / len(is_member)
