"""What D sees of an image: the stabilisers that stand between the images and the discriminator."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gan_core import stabilizers
from gan_core.config import StabilizerConfig
from gan_core.diff_augment import diff_augment
from gan_core.streams import Streams


def as_seen(
    images: Tensor,
    is_real: bool,
    step: int,
    steps: int,
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
        std = stabilizers.annealed(noise.std, step, steps) if noise.anneal else noise.std
        images = stabilizers.instance_noise(images, std, streams["noise"])
        ran["instance_noise"] = max(std, ran.get("instance_noise", 0.0))
    if config.packing:
        packed = stabilizers.pack(images, config.packing)
        ran["packing"] = packed.shape[1] // images.shape[1]
        return packed
    return images
