"""Residual networks with the activation before the convolution (Gulrajani et al. 2017; Miyato et al. 2018).

Both papers have the same blocks; what differs is their number, widths and norms, and whether D's last features are
summed or averaged. The shortcut's 1x1 convolution works at the smaller side, before doubling it and after halving: that
is equal but for rounding, because it acts on each pixel alone, and costs a fourth.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_core.config.sections import Norm
from gan_core.networks.activations import ReLU
from gan_core.networks.conditional_norm import ConditionalBatchNorm2d
from gan_core.networks.glorot import BLOCK_GAIN, ClassEmbedding, GlorotConv2d, GlorotLinear
from gan_core.networks.minibatch_std import MinibatchStd
from gan_core.networks.normalisation import normalisation
from gan_core.networks.outputs import DiscriminatorOutput

FIRST_SIDE = 4
"""Side of the generator's first features."""


class UpBlock(nn.Module):
    """Doubles the side: [batch, before, H, W] -> [batch, after, 2 H, 2 W].

    Norm, ReLU, doubling (nearest), 3x3, norm, ReLU, 3x3; beside it a 1x1 and doubling. The norms are batch norms, those
    of the class if there are `classes`. bias: of the first 3x3.
    """

    def __init__(self, before: int, after: int, classes: int = 0, bias: bool = True):
        super().__init__()
        self.norm1, self.norm2 = _batch_norm(before, classes), _batch_norm(after, classes)
        self.conv1 = GlorotConv2d(before, after, 3, BLOCK_GAIN, bias)
        self.conv2 = GlorotConv2d(after, after, 3, BLOCK_GAIN)
        self.shortcut = GlorotConv2d(before, after, 1)
        self.relu = ReLU(inplace=True)

    def forward(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        hidden = self.conv1(_doubled(self.relu(_normalised(self.norm1, features, labels))))
        hidden = self.conv2(self.relu(_normalised(self.norm2, hidden, labels)))
        return _doubled(self.shortcut(features)) + hidden


class Generator(nn.Module):
    """z [batch, latent_dim], labels [batch] or None -> images [batch, channels, size, size] in (-1, 1).

    A linear layer to a map of 4x4, an `UpBlock` for each pair of neighbouring `widths`, batch norm, ReLU, a 3x3
    convolution, tanh. So `size` is 4 times 2 to the power of the number of blocks. bias: of each block's first 3x3.
    gain: of the last convolution's weights.
    """

    def __init__(
        self,
        latent_dim: int,
        channels: int,
        widths: list[int],
        classes: int = 0,
        bias: bool = True,
        gain: float = 1.0,
    ):
        super().__init__()
        self.project = GlorotLinear(latent_dim, widths[0] * FIRST_SIDE**2)
        self.blocks = nn.ModuleList(
            [UpBlock(before, after, classes, bias) for before, after in itertools.pairwise(widths)]
        )
        last = widths[-1]
        self.to_image = nn.Sequential(
            nn.BatchNorm2d(last), ReLU(inplace=True), GlorotConv2d(last, channels, 3, gain), nn.Tanh()
        )

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        features = self.project(z).unflatten(1, (-1, FIRST_SIDE, FIRST_SIDE))
        for block in self.blocks:
            features = block(features, labels)
        return self.to_image(features)


class FirstBlock(nn.Module):
    """The block next to the image, [batch, channels, H, W] -> [batch, width, H / 2, W / 2]: 3x3, ReLU, 3x3, halving;
    beside it halving and a 1x1. It has neither a norm nor an activation before the first convolution."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            GlorotConv2d(channels, width, 3, BLOCK_GAIN), ReLU(inplace=True), GlorotConv2d(width, width, 3, BLOCK_GAIN)
        )
        self.shortcut = GlorotConv2d(channels, width, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.shortcut(_halved(images)) + _halved(self.layers(images))


class Block(nn.Module):
    """A block of D, [batch, before, H, W] -> [batch, after, H, W], or half the side if it `halves`.

    Twice norm (or none), ReLU, 3x3, the first to `before` channels; halving by the mean; beside it a 1x1 and halving,
    or the features themselves if nothing changes their shape. bias: of the first 3x3.
    """

    def __init__(self, before: int, after: int, halves: bool, norm: Norm, bias: bool = True):
        super().__init__()
        self.halves = halves
        self.layers = nn.Sequential(
            *normalisation(norm, before),
            ReLU(inplace=norm != "none"),
            GlorotConv2d(before, before, 3, BLOCK_GAIN, bias),
            *normalisation(norm, before),
            ReLU(inplace=True),
            GlorotConv2d(before, after, 3, BLOCK_GAIN),
        )
        self.shortcut = GlorotConv2d(before, after, 1) if halves or before != after else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.layers(features)
        if not self.halves:
            return self.shortcut(features) + hidden
        return self.shortcut(_halved(features)) + _halved(hidden)


class Discriminator(nn.Module):
    """images [batch, channels, size, size] -> logits [batch], and `features` [batch, n].

    A `FirstBlock`, a `Block` for each pair of neighbouring `widths`, ReLU, the sum over all pixels (or their mean), one
    linear layer. halvings: how many blocks, from the first, halve the side. minibatch_std: a map more before the sum.
    classes: with any, forward takes the labels [batch] too, and the logit also has the inner product of `features` with
    a learned vector of the class: the projection of Miyato & Koyama 2018 (equation 4).
    """

    def __init__(
        self,
        channels: int,
        widths: list[int],
        halvings: int,
        norm: Norm = "none",
        minibatch_std: bool = False,
        mean: bool = False,
        bias: bool = True,
        classes: int = 0,
    ):
        super().__init__()
        blocks = [
            Block(before, after, i < halvings, norm)
            for i, (before, after) in enumerate(itertools.pairwise(widths), start=1)
        ]
        std = [MinibatchStd()] if minibatch_std else []
        self.layers = nn.Sequential(FirstBlock(channels, widths[0]), *blocks, ReLU(inplace=True), *std)
        self.mean = mean
        self.real = GlorotLinear(widths[-1] + len(std), 1, bias)
        self.classes = ClassEmbedding(classes, widths[-1] + len(std)) if classes else None

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        maps = self.layers(images)
        with torch.autocast(maps.device.type, enabled=False):  # sums of many features: bfloat16 would round scores away
            maps = maps.float() if maps.dtype == torch.bfloat16 else maps
            features = maps.mean(dim=(2, 3)) if self.mean else maps.sum(dim=(2, 3))
            logits = self.real(features).squeeze(1)
            if self.classes is not None:
                assert labels is not None
                logits = logits + (self.classes(labels) * features).sum(dim=1)
        return DiscriminatorOutput(logits, features=features)


def _batch_norm(channels: int, classes: int) -> nn.BatchNorm2d:
    return ConditionalBatchNorm2d(channels, classes) if classes else nn.BatchNorm2d(channels)


def _normalised(norm: nn.Module, features: Tensor, labels: Tensor | None) -> Tensor:
    return norm(features, labels) if isinstance(norm, ConditionalBatchNorm2d) else norm(features)


def _doubled(features: Tensor) -> Tensor:
    """[batch, C, H, W] -> [batch, C, 2 H, 2 W]: each pixel four times."""
    return F.interpolate(features, scale_factor=2, mode="nearest")


def _halved(features: Tensor) -> Tensor:
    """[batch, C, H, W] -> [batch, C, H / 2, W / 2]: the means of 2x2 pixels."""
    return F.avg_pool2d(features, 2)
