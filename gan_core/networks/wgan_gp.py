"""WGAN-GP (Gulrajani et al. 2017): the generator of DCGAN, and a critic without batch norm.

The penalty is on the gradient of each example; with batch norm a score would depend on the rest of the batch (section
4, "No critic batch normalization"; the paper recommends layer norm instead). The `original` critic has batch norm
nevertheless, because the report made this mistake. `networks: resnet` are the paper's residual networks for CIFAR-10
(appendix F; `gan_cifar_resnet.py` of github.com/igul222/improved_wgan_training), without the classes.
"""

from __future__ import annotations

from gan_core.config.sections import Norm
from gan_core.networks import dcgan, residual

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
    """z [batch, latent_dim] -> images [batch, channels, 32, 32] in (-1, 1): `width` channels everywhere, 128 in the
    paper; batch norm."""

    def __init__(self, latent_dim: int, channels: int, width: int):
        super().__init__(latent_dim, channels, [width] * 4)


class ResidualCritic(residual.Discriminator):
    """images [batch, channels, 32, 32] -> unbounded scores [batch], and `features` [batch, n], means over the pixels.

    Four blocks of `width` channels, 128 in the paper, the first two halving the side; no normalisation unless `norm`
    asks for it, then before each ReLU of the last three blocks, as in the authors' code.
    """

    def __init__(self, channels: int, width: int, norm: Norm = "none", minibatch_std: bool = False):
        super().__init__(channels, [width] * 4, 2, norm, minibatch_std, mean=True)
