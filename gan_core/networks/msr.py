"""Layers that draw their own weights, by He et al. 2015 ("MSR"): N(0, gain^2 / inputs of a unit), biases 0.

Without a norm the variance of features is what the weights make of it: with gain 1 a linear layer keeps it, and a layer
before LeakyReLU 0.2 needs LEAKY_GAIN.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gan_core.networks.convolution import Conv2d

LEAKY_GAIN = math.sqrt(2 / (1 + 0.2**2))
"""sqrt(2 / (1 + a^2)) for LeakyReLU's slope a = 0.2 (He et al. 2015, equation 15)."""


class MsrConv2d(Conv2d):
    """A convolution of stride 1 that keeps the side, [batch, before, H, W] -> [batch, after, H, W].

    gain: times the standard deviation that keeps the variance; 0 starts with an output of zero.
    """

    def __init__(self, before: int, after: int, kernel: int, groups: int = 1, gain: float = 1.0, bias: bool = False):
        self.gain = gain  # before the base class, which draws the weights
        super().__init__(before, after, kernel, padding=kernel // 2, groups=groups, bias=bias)

    def reset_parameters(self) -> None:
        _draw(self.weight, self.gain)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class MsrLinear(nn.Linear):
    """[batch, before] -> [batch, after], without a bias."""

    def __init__(self, before: int, after: int):
        super().__init__(before, after, bias=False)

    def reset_parameters(self) -> None:
        _draw(self.weight, gain=1.0)


class DepthwiseSum(nn.Conv2d):
    """Each channel's weighted sum over a map of `side` x `side`: [batch, channels, side, side] -> [batch, channels].

    That is a convolution with as many groups as channels, and computed as one product.
    """

    def __init__(self, channels: int, side: int):
        super().__init__(channels, channels, side, groups=channels, bias=False)

    def reset_parameters(self) -> None:
        _draw(self.weight, gain=1.0)

    def forward(self, input: Tensor) -> Tensor:
        return (input * self.weight.squeeze(1)).sum(dim=(2, 3))


class Maps(nn.Module):
    """A learned map of `side` x `side` for each channel, scaled by the input: [batch, channels] -> [batch, channels,
    side, side]. The maps begin as N(0, 1)."""

    def __init__(self, channels: int, side: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, side, side))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight)

    def forward(self, scales: Tensor) -> Tensor:
        return scales[:, :, None, None] * self.weight


def _draw(weight: Tensor, gain: float) -> None:
    nn.init.normal_(weight, 0.0, gain / math.sqrt(weight[0].numel()))
