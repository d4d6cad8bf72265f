"""R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN!"): residual networks without any normalisation.

Config E of section 4 and figure 5; what the paper leaves open is as in the authors' code (`R3GAN/Networks.py` of
github.com/brownvc/R3GAN). Features of each side, from 4 to that of the image, pass two residual blocks; between sides
they are resampled bilinearly. Initial weights keep the variance, and each block begins as the identity (`msr.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from gan_core.networks.activations import LeakyReLU
from gan_core.networks.minibatch_std import MinibatchStd
from gan_core.networks.msr import LEAKY_GAIN, DepthwiseSum, Maps, MsrConv2d, MsrLinear
from gan_core.networks.outputs import DiscriminatorOutput
from gan_core.networks.resampling import Downsample, Upsample

BLOCKS = 2
"""Residual blocks of each side (the paper's, for all data sets)."""
EXPANSION = 2
"""Channels inside a block for each outside: the bottleneck is inverted (section 4, config E)."""
GROUP = 16
"""Channels of a group in the authors' presets, but for ImageNet: 1536 expanded channels in 96 groups, 768 in 48, ..."""
WIDEST_SIDE = 32
"""Up to here all sides are as wide; each doubling beyond halves the channels (presets FFHQ-64 and FFHQ-256)."""


def stage_widths(width: int, image_size: int) -> list[int]:
    """The channels of each side, 4, 8, ..., `image_size`. width: of the last.

    768 is CIFAR-10's of the paper, 384 that of FFHQ at 64 pixels and 96 at 256: then the widest have 768 channels.
    """
    sides = itertools.takewhile(lambda side: side <= image_size, (4 * 2**n for n in itertools.count()))
    return [width * image_size // max(side, min(image_size, WIDEST_SIDE)) for side in sides]


class ResidualBlock(nn.Module):
    """x + f(x), [batch, channels, H, W]: convolutions of 1, 3 and 1, the middle one in groups, of 2 x channels inside.

    A bias and LeakyReLU 0.2 follow the first two. blocks: number of blocks of the network, L. The first two weights are
    scaled by L^(-1/4), that is L^(-1 / (2 m - 2)) for m = 3 layers, and the last begins at zero (Fixup, Zhang et al.
    2019), so that the block begins as the identity.
    """

    def __init__(self, channels: int, blocks: int):
        super().__init__()
        inner, gain = EXPANSION * channels, LEAKY_GAIN * blocks**-0.25
        self.layers = nn.Sequential(
            MsrConv2d(channels, inner, 1, gain=gain, bias=True),
            LeakyReLU(0.2),
            MsrConv2d(inner, inner, 3, groups=inner // GROUP, gain=gain, bias=True),
            LeakyReLU(0.2),
            MsrConv2d(inner, channels, 1, gain=0.0),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


class Generator(nn.Module):
    """z [batch, latent_dim] -> images [batch, channels, size, size], which nothing keeps in (-1, 1).

    z scales learned 4x4 maps; a convolution of 1 makes the image of the last features, without tanh. The stage of 4x4
    is in float32 under autocast too, as the authors'. The paper's latent has 64 values.
    """

    def __init__(self, latent_dim: int, channels: int, width: int, image_size: int = 32):
        super().__init__()
        widths = stage_widths(width, image_size)
        total = BLOCKS * len(widths)
        self.basis = nn.Sequential(MsrLinear(latent_dim, widths[0]), Maps(widths[0], 4), *_blocks(widths[0], total))
        stages: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            stages += [*_projection(before, after), Upsample(after), *_blocks(after, total)]
        self.layers = nn.Sequential(*stages, MsrConv2d(widths[-1], channels, 1))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(_in_float32(self.basis, z))


class Discriminator(nn.Module):
    """images [batch, channels, size, size] -> logits [batch], and `features` [batch, widest].

    The generator backwards: a convolution of 1, for each side two blocks and a resampling, and at 4x4 the weighted sum
    of each channel's map (in float32 under autocast too, as the authors'), of which one linear layer makes the logit.
    minibatch_std: a channel more before that sum.
    """

    def __init__(self, channels: int, width: int, image_size: int = 32, minibatch_std: bool = False):
        super().__init__()
        widths = stage_widths(width, image_size)[::-1]
        total = BLOCKS * len(widths)
        stages: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            stages += [*_blocks(before, total), Downsample(before), *_projection(before, after)]
        self.layers = nn.Sequential(MsrConv2d(channels, widths[0], 1), *stages)
        std = [MinibatchStd()] if minibatch_std else []
        features = widths[-1] + len(std)
        self.basis = nn.Sequential(*_blocks(widths[-1], total), *std, DepthwiseSum(features, 4))
        self.head = MsrLinear(features, 1)

    def forward(self, images: Tensor) -> DiscriminatorOutput:
        features = _in_float32(self.basis, self.layers(images))
        return DiscriminatorOutput(_in_float32(self.head, features).squeeze(1), features=features)


def _blocks(channels: int, total: int) -> list[nn.Module]:
    return [ResidualBlock(channels, total) for _ in range(BLOCKS)]


def _projection(before: int, after: int) -> list[nn.Module]:
    """The convolution of 1 between stages of different widths; [] if they are as wide."""
    return [] if before == after else [MsrConv2d(before, after, 1)]


def _in_float32(layers: Callable[[Tensor], Tensor], features: Tensor) -> Tensor:
    """`layers` of `features`, not in autocast."""
    kind = features.device.type
    if not torch.is_autocast_enabled(kind):
        return layers(features)
    with torch.autocast(kind, enabled=False):
        return layers(features.float())
