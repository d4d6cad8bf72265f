"""WGAN-GP (Gulrajani et al. 2017): the generator of DCGAN, and a critic without batch norm.

The penalty is on the gradient of each example; with batch norm a score would depend on the rest of the batch (section
4, "No critic batch normalization"; the paper recommends layer norm instead). The `original` critic has batch norm
nevertheless, because the report made this mistake. `networks: resnet` are the paper's residual networks for CIFAR-10
(appendix F; `gan_cifar_resnet.py` of github.com/igul222/improved_wgan_training), without the classes; for 64 pixels
those of `gan_64x64.py` there (`GoodGenerator`, `GoodDiscriminator`), whose critic has layer norm.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from gan_core.config.sections import Norm
from gan_core.networks import dcgan, residual
from gan_core.networks.glorot import BLOCK_GAIN, GlorotConv2d, GlorotLinear
from gan_core.networks.minibatch_std import MinibatchStd
from gan_core.networks.outputs import DiscriminatorOutput

Generator = dcgan.Generator
OriginalGenerator = dcgan.OriginalGenerator


class Critic(dcgan.Discriminator):
    """images [batch, channels, size, size] -> unbounded scores [batch]; no normalisation unless `norm` asks for it."""

    def __init__(
        self, channels: int, width: int, image_size: int = 32, norm: Norm = "none", minibatch_std: bool = False
    ):
        super().__init__(channels, width, image_size, norm, minibatch_std)


class OriginalCritic(dcgan.OriginalDiscriminator):
    """The report's critic with its batch norm: 134,721 parameters with one channel."""

    def __init__(self, channels: int, norm: Norm = "batch", minibatch_std: bool = False):
        super().__init__(channels, 64, norm, minibatch_std)


class ResidualGenerator(residual.Generator):
    """z [batch, latent_dim] -> images [batch, channels, size, size] in (-1, 1); batch norm.

    32 pixels: `width` channels everywhere, 128 in the paper. 64 pixels: 8, 8, 4, 2 and 1 times `width`, 64 in the
    authors' code, where a block's first convolution has no bias and the last one begins as large as those of blocks.
    """

    def __init__(self, latent_dim: int, channels: int, width: int, image_size: int = 32):
        if image_size == 32:
            super().__init__(latent_dim, channels, [width] * 4)
        else:
            widths = [factor * width for factor in (8, 8, 4, 2, 1)]
            super().__init__(latent_dim, channels, widths, bias=False, gain=BLOCK_GAIN)


class ResidualCritic(residual.Discriminator):
    """images [batch, channels, 32, 32] -> unbounded scores [batch], and `features` [batch, n], means over the pixels.

    Four blocks of `width` channels, 128 in the paper, the first two halving the side; no normalisation unless `norm`
    asks for it, then before each ReLU of the last three blocks, as in the authors' code.
    """

    def __init__(self, channels: int, width: int, norm: Norm = "none", minibatch_std: bool = False):
        super().__init__(channels, [width] * 4, 2, norm, minibatch_std, mean=True)


class ResidualCritic64(nn.Module):
    """images [batch, channels, 64, 64] -> unbounded scores [batch], and `features` [batch, n]: all of the last map.

    A 3x3 convolution to `width` channels, 64 in the authors' code; four blocks that halve the side, to 2, 4, 8 and 8
    times as many; one linear layer. In each block `norm` is before each ReLU, and the first convolution has no bias.
    """

    def __init__(self, channels: int, width: int, norm: Norm = "layer", minibatch_std: bool = False):
        super().__init__()
        widths = [factor * width for factor in (1, 2, 4, 8, 8)]
        blocks = [residual.Block(before, after, True, norm, bias=False) for before, after in itertools.pairwise(widths)]
        std = [MinibatchStd()] if minibatch_std else []
        self.layers = nn.Sequential(GlorotConv2d(channels, width, 3), *blocks, *std)
        self.real = GlorotLinear((widths[-1] + len(std)) * residual.FIRST_SIDE**2, 1)

    def forward(self, images: Tensor) -> DiscriminatorOutput:
        features = self.layers(images).flatten(1)
        with torch.autocast(features.device.type, enabled=False):  # bfloat16 would round scores away
            features = features.float() if features.dtype == torch.bfloat16 else features
            return DiscriminatorOutput(self.real(features).squeeze(1), features=features)
