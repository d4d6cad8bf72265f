"""The input of the discriminator: the stabilisers that change images before D sees them."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from gan_core.config.sections import StabilizerConfig
from gan_core.objective import stabilizers
from gan_core.objective.diff_augment import diff_augment
from gan_core.random_streams import Streams


class NoiseLevel(NamedTuple):
    """The standard deviation of instance noise at a step: as a number, and as a scalar tensor on the device.

    The tensor stays at the same address from step to step, as a CUDA graph requires.
    """

    std: float
    on_device: Tensor


def augment_for_discriminator(
    images: Tensor,
    is_real: bool,
    noise: NoiseLevel,
    config: StabilizerConfig,
    streams: Streams,
    applied: dict[str, float],
) -> Tensor:
    """Applies DiffAugment, instance noise and packing to `images` [batch, C, H, W], each if it is on.

    Real images, generated images, and generated images in G's own update are treated alike, except that `fake_only`
    noise is not added to real images. Returns [batch, C, H, W], or [batch / m, m * C, H, W] with packs of m.
    applied: the stabilisers that were applied are written to it, with the largest strength so far.
    """
    if config.diff_augment:
        images = diff_augment(images, streams["augment"])
        applied["diff_augment"] = True
    if config.instance_noise.std and not (is_real and config.instance_noise.fake_only):
        images = stabilizers.instance_noise(images, noise.on_device, streams["noise"])
        applied["instance_noise"] = max(noise.std, applied.get("instance_noise", 0.0))
    if config.packing:
        packed = stabilizers.pack(images, config.packing)
        applied["packing"] = packed.shape[1] // images.shape[1]
        return packed
    return images
