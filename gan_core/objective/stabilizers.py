"""Stabilisers of GAN training: one function each, with the paper it comes from.

Others have a file of their own: `gradient_penalties.py`, `diff_augment.py`, `training/ema.py` and, for layers of the
discriminator, `networks/`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gan_core.objective.losses import Targets


def targets(count: int, smoothing: float, flipping: float, generator: torch.Generator) -> Targets:
    """D's targets for `count` real and `count` generated images, on the device of `generator`. G's do not change.

    One-sided label smoothing (Salimans et al. 2016, section 3.4): the target "real" is 1 - `smoothing`, "generated"
    stays 0. Label flipping (Chintala et al. 2016, "How to train a GAN?", tip 6): each image gets the target of the
    other side with probability `flipping`, that is 0 for a real image and 1 - `smoothing` for a generated one. Random
    numbers are drawn only if `flipping` is not 0.
    """
    values = (1.0 - smoothing, 0.0)  # of real images, of generated images
    sides = torch.stack([torch.full((count,), value, device=generator.device) for value in values])
    if flipping:
        flipped = torch.rand(2, count, device=generator.device, generator=generator) < flipping
        sides = torch.where(flipped, sides.flip(0), sides)
    return Targets(*sides)


def annealed(std: float, step: int, steps: int) -> float:
    """`std` at step 0, falling linearly to 0 after the last step (Sonderby et al. 2017, section 2.3)."""
    return std * max(0.0, 1.0 - step / steps)


def instance_noise(images: Tensor, std: float | Tensor, generator: torch.Generator) -> Tensor:
    """`images` [batch, C, H, W] plus independent noise N(0, std^2) on every value (Sonderby et al. 2017)."""
    noise = torch.empty_like(images).normal_(generator=generator)
    return images + std * noise


def pack(images: Tensor, size: int) -> Tensor:
    """[batch, C, H, W] -> [batch / size, size * C, H, W]: D sees `size` images as one (PacGAN, Lin et al. 2018).

    Neighbours in the batch become one pack; their channels are concatenated. Raises RuntimeError if `size` does not
    divide the batch.
    """
    return images.unflatten(0, (-1, size)).flatten(1, 2)
