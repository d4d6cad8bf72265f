"""What keeps a GAN in balance: one function each, with the paper it comes from.

Those with a subject of their own have a file of their own: `penalties.py`, `diff_augment.py` and, for layers of the
discriminator, `networks/`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gan_core.objective.losses import Targets


def targets(count: int, smoothing: float, flipping: float, generator: torch.Generator) -> Targets:
    """What D is told of `count` real and `count` generated images, on the device of `generator`. G is told nothing.

    One-sided label smoothing (Salimans et al. 2016, section 3.4): "real" is 1 - `smoothing`, "generated" stays 0.
    Label flipping (Chintala et al. 2016, "How to train a GAN?", tip 6): with the chance `flipping`, for each image by
    itself, D is told the other of the two: 0 of a real image, 1 - `smoothing` of a generated one. `generator` is drawn
    from only where `flipping` is not 0.
    """
    told = [torch.full((count,), value, device=generator.device) for value in (1.0 - smoothing, 0.0)]
    sides = torch.stack(told)  # real images, generated images
    if flipping:
        flipped = torch.rand(2, count, device=generator.device, generator=generator) < flipping
        sides = torch.where(flipped, sides.flip(0), sides)
    return Targets(*sides)


def annealed(std: float, step: int, steps: int) -> float:
    """`std` at the first step, falling linearly to nothing after the last (Sonderby et al. 2017, section 2.3)."""
    return std * max(0.0, 1.0 - step / steps)


def instance_noise(images: Tensor, std: float | Tensor, generator: torch.Generator) -> Tensor:
    """`images` [batch, C, H, W] with independent N(0, std^2) on every pixel (Sonderby et al. 2017)."""
    noise = torch.empty_like(images).normal_(generator=generator)
    return images + std * noise


def pack(images: Tensor, size: int) -> Tensor:
    """[batch, C, H, W] -> [batch / size, size * C, H, W]: D judges `size` images as one (PacGAN, Lin et al. 2018).

    Neighbours in the batch become one pack, their channels one after the other. Raises RuntimeError where `size` does
    not divide the batch.
    """
    return images.unflatten(0, (-1, size)).flatten(1, 2)
