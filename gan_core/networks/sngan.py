"""SNGAN (Miyato et al. 2018) with residual networks, and with projection of the class (Miyato & Koyama 2018).

The tables are those of the authors' code, github.com/pfnet-research/sngan_projection: `resnet_32.py`, `resnet_64.py`,
`resnet.py` (128 pixels) and `resnet_dog_and_cat_256.py` in `gen_models`, `snresnet_32.py`, `snresnet_64.py`,
`snresnet.py` and `snresnet_256.py` in `dis_models`. Spectral norm, which the family has by default, is a stabiliser.
"""

from __future__ import annotations

from gan_core.config.sections import Norm
from gan_core.networks import residual

GENERATOR_WIDTHS = {
    32: [2, 2, 2, 2],
    64: [16, 8, 4, 2, 1],
    128: [16, 16, 8, 4, 2, 1],
    256: [16, 16, 8, 8, 4, 2, 1],
}
"""Image size -> channels of each side from 4 to that of the image, in units of `width`."""
DISCRIMINATOR_WIDTHS = {
    32: [1, 1, 1, 1],
    64: [1, 2, 4, 8, 16],
    128: [1, 2, 4, 8, 16, 16],
    256: [1, 2, 4, 8, 8, 16, 16],
}
"""Image size -> channels of each block, in units of `width`."""
HALVINGS = {32: 2, 64: 5, 128: 5, 256: 6}
"""Image size -> how many blocks of D, from the first, halve the side."""


class Generator(residual.Generator):
    """z [batch, latent_dim], labels [batch] or None -> images [batch, channels, size, size] in (-1, 1).

    width: 128 in the paper for images of 32 pixels, where G has 256 channels everywhere and D 128; 64 for larger ones.
    classes: with any, all batch norms but the last are those of the class (Miyato & Koyama 2018).
    """

    def __init__(self, latent_dim: int, channels: int, width: int, image_size: int = 32, classes: int = 0):
        super().__init__(latent_dim, channels, [width * units for units in GENERATOR_WIDTHS[image_size]], classes)


class Discriminator(residual.Discriminator):
    """images [batch, channels, size, size] -> logits [batch], and `features` [batch, n], summed over the pixels.

    classes: with any, forward takes labels [batch] too, and projects. The paper's has no norm. For images of 32 pixels
    the last layer has no bias, as in the authors' code.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        image_size: int = 32,
        norm: Norm = "none",
        minibatch_std: bool = False,
        classes: int = 0,
    ):
        widths = [width * units for units in DISCRIMINATOR_WIDTHS[image_size]]
        bias = image_size != 32
        super().__init__(channels, widths, HALVINGS[image_size], norm, minibatch_std, bias=bias, classes=classes)
