"""Minibatch standard deviation (Karras et al. 2018, "Progressive growing of GANs", section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MinibatchStd(nn.Module):
    """features [batch, C, H, W] -> [batch, C + 1, H, W]: adds a map that holds one number everywhere.

    The number is the standard deviation over the batch of each feature at each pixel, averaged over features and
    pixels. The whole batch is one group. If all examples are equal, it is 1e-4: 1e-8 is added to each variance, as in
    the authors' code, so that the gradient is finite.
    """

    def forward(self, features: Tensor) -> Tensor:
        std = (features.var(dim=0, correction=0) + 1e-8).sqrt().mean()
        return torch.cat([features, std.expand(len(features), 1, *features.shape[2:])], dim=1)
