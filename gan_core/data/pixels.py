"""Pixel formats: uint8 in memory and in files, floats in [-1, 1] for the networks. And an even choice of images."""

from __future__ import annotations

import torch
from torch import Tensor


def to_uint8(images: Tensor) -> Tensor:
    """Floats in [-1, 1] -> uint8 0..255. Not-a-number becomes black."""
    return images.float().nan_to_num(-1.0).clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)


def to_unit(images: Tensor) -> Tensor:
    """uint8 0..255 -> float32 [-1, 1]."""
    return images.float().div(127.5).sub(1)


def evenly_spaced(total: int, count: int) -> Tensor:
    """Indices of `count` of `total` items (or all) at even distances: fair for data that are sorted by class."""
    return torch.linspace(0, total - 1, min(total, count)).round().long()
