"""Batch norm whose scale and offset depend on the class (Dumoulin et al. 2017; Miyato & Koyama 2018, section 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConditionalBatchNorm2d(nn.BatchNorm2d):
    """features [batch, channels, H, W], labels [batch] -> [batch, channels, H, W].

    All classes share the mean and the variance. Each has a scale and an offset for each channel, which begin as 1 and 0
    as in the authors' code. Under autocast both are applied in float32, as PyTorch's batch norm does.
    """

    def __init__(self, channels: int, classes: int):
        super().__init__(channels, affine=False)
        self.weight = nn.Parameter(torch.ones(classes, channels))
        self.bias = nn.Parameter(torch.zeros(classes, channels))

    def reset_parameters(self) -> None:
        self.reset_running_stats()
        if self.weight is not None:  # the base class calls this before there are any
            nn.init.ones_(self.weight)
            nn.init.zeros_(self.bias)

    def forward(self, input: Tensor, labels: Tensor | None = None) -> Tensor:
        assert labels is not None
        if self.training:
            assert self.num_batches_tracked is not None
            self.num_batches_tracked.add_(1)
        normalised = F.batch_norm(
            *(input, self.running_mean, self.running_var, None, None, self.training),
            momentum=self.momentum or 0.0,
            eps=self.eps,
        )
        scale, offset = (F.embedding(labels, table)[:, :, None, None] for table in (self.weight, self.bias))
        return (normalised * scale + offset).to(input.dtype)
