"""What D sees of an image: the stabilisers that stand between the images and the discriminator."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from gan_core.config.sections import StabilizerConfig
from gan_core.objective import stabilizers
from gan_core.objective.diff_augment import diff_augment
from gan_core.random_streams import Streams


class NoiseLevel(NamedTuple):
    """The standard deviation of instance noise at a step: a number, and the same on the device, a scalar that stays
    where it is from step to step."""

    std: float
    on_device: Tensor


def augment_for_discriminator(
    images: Tensor,
    is_real: bool,
    noise_now: NoiseLevel,
    config: StabilizerConfig,
    streams: Streams,
    ran: dict[str, Any],
) -> Tensor:
    """`images` [batch, C, H, W] augmented, with instance noise, and packed, as far as each is on.

    The same for real images, generated ones, and generated ones in G's own update; `fake_only` noise leaves real images
    out. Returns [batch, C, H, W], or [batch / m, m * C, H, W] in packs of m. `ran` is told what was done, and how
    strongly at most.
    """
    if config.diff_augment:
        images = diff_augment(images, streams["augment"])
        ran["diff_augment"] = True
    noise = config.instance_noise
    if noise.std and not (is_real and noise.fake_only):
        images = stabilizers.instance_noise(images, noise_now.on_device, streams["noise"])
        ran["instance_noise"] = max(noise_now.std, ran.get("instance_noise", 0.0))
    if config.packing:
        packed = stabilizers.pack(images, config.packing)
        ran["packing"] = packed.shape[1] // images.shape[1]
        return packed
    return images
