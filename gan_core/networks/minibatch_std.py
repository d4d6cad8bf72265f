"""Minibatch standard deviation (Karras et al. 2018, "Progressive growing of GANs", section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MinibatchStd(nn.Module):
    """features [batch, C, H, W] -> [batch, C + 1, H, W]: one more map, the same number everywhere.

    The number is the standard deviation over the batch of each feature at each pixel, averaged over all of them. The
    whole batch is one group. A batch of equal features, or of one, gives 1e-4, the root of what keeps its gradient
    finite (1e-8, as in the authors' code).
    """

    def forward(self, features: Tensor) -> Tensor:
        std = (features.var(dim=0, correction=0) + 1e-8).sqrt().mean()
        return torch.cat([features, std.expand(len(features), 1, *features.shape[2:])], dim=1)
