"""The normalisation layers of a discriminator."""

from __future__ import annotations

from torch import nn

from gan_core.config.sections import Norm

NORMS = (nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d)
NORM_NAMES: dict[type[nn.Module], Norm] = dict(zip(NORMS, ("batch", "layer", "instance"), strict=True))


def normalisation(norm: Norm, channels: int) -> list[nn.Module]:
    """The layer `norm` for features [batch, channels, H, W]; [] for none. All have a scale and an offset per channel.

    batch: over the batch and the pixels (Ioffe & Szegedy 2015). layer: over the channels and pixels of each example (Ba
    et al. 2016), as a group norm of one group, which is usual in code for WGAN-GP. instance: over the pixels of each
    channel of each example (Ulyanov et al. 2016).
    """
    match norm:
        case "batch":
            return [nn.BatchNorm2d(channels)]
        case "layer":
            return [nn.GroupNorm(1, channels)]
        case "instance":
            return [nn.InstanceNorm2d(channels, affine=True)]
        case "none":
            return []
