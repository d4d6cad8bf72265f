"""How the share of images that G learns from falls under top-k training (Sinha et al. 2020)."""

from __future__ import annotations

DECAY = 0.99
"""gamma in the paper: by what the share falls with each epoch."""


def share_kept(share: float, epoch: int) -> float:
    """The share of the images in an epoch, the first of which is 0: from 1 down to `share`."""
    return max(share, DECAY**epoch)
