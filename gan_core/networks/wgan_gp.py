"""WGAN-GP (Gulrajani et al. 2017): the generator of DCGAN, and a critic without batch norm.

The penalty is on the gradient of each example; with batch norm a score would depend on the rest of the batch (section
4, "No critic batch normalization"; the paper recommends layer norm instead). The `original` critic has batch norm
nevertheless, because the report made this mistake.
"""

from __future__ import annotations

from gan_core.config.sections import Norm
from gan_core.networks import dcgan

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
