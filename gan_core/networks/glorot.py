"""Layers that draw their own weights, by Glorot & Bengio 2010: uniform, variance 2 gain^2 / (inputs + outputs).

Biases begin as 0.

Both Miyato et al. 2018 (github.com/pfnet-research/sngan_projection) and Gulrajani et al. 2017 (the residual network of
github.com/igul222/improved_wgan_training) begin so: gain sqrt(2) for the 3x3 convolutions of a block, 1 for all others.
"""

from __future__ import annotations

from torch import nn

from gan_core.networks.convolution import Conv2d

BLOCK_GAIN = 2**0.5


class GlorotConv2d(Conv2d):
    """A convolution of stride 1 that keeps the side: [batch, before, H, W] -> [batch, after, H, W]."""

    def __init__(self, before: int, after: int, kernel: int, gain: float = 1.0, bias: bool = True):
        self.gain = gain  # before the base class, which draws the weights
        super().__init__(before, after, kernel, padding=kernel // 2, bias=bias)

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.weight, self.gain)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class GlorotLinear(nn.Linear):
    """[batch, before] -> [batch, after]."""

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class ClassEmbedding(nn.Embedding):
    """A learned vector for each class: labels [batch] -> [batch, length]."""

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.weight)
