"""The input of the discriminator: the stabilisers that change images before D sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from gan_core.config.stabilizer_sections import StabilizerConfig
from gan_core.objective import adaptive_augmentation, stabilizers
from gan_core.objective.diff_augment import diff_augment
from gan_core.random_streams import Streams

STREAMS = ("ada", "augment", "noise")
"""The random streams that inputs of D draw from."""


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
    streams: Streams | Mapping[str, torch.Generator],
    applied: dict[str, float],
    probability: Tensor | None = None,
) -> Tensor:
    """Applies adaptive augmentation, DiffAugment, noise and packing to `images` [batch, C, H, W], each if it is on.

    Real images, generated images, and generated images in G's own update are treated alike, except that `fake_only`
    noise is not added to real images. Returns [batch, C, H, W], or [batch / m, m * C, H, W] with packs of m.
    applied: the stabilisers that were applied are written to it, with the largest strength so far. probability: of
    adaptive augmentation, a scalar on the device; None without it.
    """
    if probability is not None:
        images = adaptive_augmentation.augment(images, probability, streams["ada"])
        applied["ada"] = config.ada.target
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
