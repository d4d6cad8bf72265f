"""DiffAugment: a random augmentation of everything that D sees, real or generated (Zhao et al. 2020).

The policy "color,translation,cutout" of the authors' DiffAugment_pytorch.py
(github.com/mit-han-lab/data-efficient-gans), part by part, with random numbers from an explicit generator. Images
are [batch, C, H, W] in [-1, 1], with one channel or more; random numbers are drawn for each image. The results may
leave [-1, 1], as in the authors' code.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def diff_augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Colour, translation and cutout of `images` [batch, C, H, W], in that order; same shape, channels last in memory.

    It is differentiable: G is trained through it, because it is also applied in G's own update. So G does not learn the
    augmentation as a part of the images (section 3). `generator` is on the device of `images`.
    """
    for part in (brightness, saturation, contrast, translation, cutout):
        images = part(images, generator)
    return images


def brightness(images: Tensor, generator: torch.Generator) -> Tensor:
    """Adds one number to each image, uniform on [-0.5, 0.5)."""
    return images + (_uniform(images, generator) - 0.5)


def saturation(images: Tensor, generator: torch.Generator) -> Tensor:
    """Scales the distance of each value from the mean of its pixel's channels by a number per image, uniform on [0, 2).

    An image of one channel does not change.
    """
    grey = images.mean(dim=1, keepdim=True)
    return (images - grey) * (_uniform(images, generator) * 2) + grey


def contrast(images: Tensor, generator: torch.Generator) -> Tensor:
    """Scales the distance of each value from the mean of its image by a number per image, uniform on [0.5, 1.5)."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return (images - mean) * (_uniform(images, generator) + 0.5) + mean


def translation(images: Tensor, generator: torch.Generator, border: str = "constant") -> Tensor:
    """Moves each image by up to 1/8 of its height and width, in whole pixels, uniform; fills with zeros.

    border: another `mode` of `torch.nn.functional.pad` to fill by.
    """
    down, right = images.shape[2] // 8, images.shape[3] // 8
    rows = _integers(0, 2 * down, images, generator) + torch.arange(images.shape[2], device=images.device)
    columns = _integers(0, 2 * right, images, generator) + torch.arange(images.shape[3], device=images.device)
    example = torch.arange(len(images), device=images.device)
    padded = F.pad(images, (right, right, down, down), mode=border)
    moved = padded[example[:, None, None], :, rows[:, :, None], columns[:, None, :]]  # [batch, H, W, C]
    return moved.permute(0, 3, 1, 2)


def cutout(images: Tensor, generator: torch.Generator) -> Tensor:
    """Sets a rectangle in each image to zero: half its height, half its width, the centre uniform on the image.

    The rectangle may reach over the edge, so it covers at least a quarter of the height and of the width.
    """
    _, _, height, width = images.shape
    hole = _covered(height, images, generator)[:, :, None] & _covered(width, images, generator)[:, None, :]
    return images * ~hole[:, None]


def _covered(side: int, images: Tensor, generator: torch.Generator) -> Tensor:
    """[batch, side]: which rows (or columns) the rectangle covers."""
    length = side // 2
    first = _integers(0, side - length % 2, images, generator) - length // 2
    position = torch.arange(side, device=images.device)
    return (first <= position) & (position < first + length)


def _uniform(images: Tensor, generator: torch.Generator) -> Tensor:
    """[batch, 1, 1, 1], uniform on [0, 1)."""
    return torch.rand(len(images), 1, 1, 1, dtype=images.dtype, device=images.device, generator=generator)


def _integers(lowest: int, highest: int, images: Tensor, generator: torch.Generator) -> Tensor:
    """[batch, 1], uniform on the whole numbers from `lowest` to `highest`."""
    return torch.randint(lowest, highest + 1, (len(images), 1), device=images.device, generator=generator)
