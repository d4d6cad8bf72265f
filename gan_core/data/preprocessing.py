"""Images as they come, before they are a data set: the size rule, and what can be wrong with them.

Size rule: the shorter side is resized to `image_size` (Pillow, bicubic with antialiasing) and the centre is kept. The
28x28 sets are first padded with two black pixels a side, so that at 32 no pixel is resampled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

LONGEST = 50
"""The longer side over the shorter."""


class DataError(ValueError):
    """The data set cannot be used: `path` is the setting at fault, the message says what would be right."""

    def __init__(self, path: str, message: str):
        self.path = path
        super().__init__(message)


@dataclass
class Part:
    """Images as they come: uint8 [N, H, W] or [N, H, W, C]; labels int64 [N] or None."""

    images: np.ndarray
    labels: np.ndarray | None


@dataclass
class Loaded:
    train: Part
    test: Part | None
    class_names: tuple[str, ...]


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """uint8 [N, H, W] or [N, H, W, C] -> uint8 [N, C, size, size] by the size rule."""
    if images.shape[1:3] == (28, 28):
        images = np.pad(images, [(0, 0), (2, 2), (2, 2)] + [(0, 0)] * (images.ndim - 3))
    if len(images) == 0:
        images = np.zeros((0, size, size, *images.shape[3:]), np.uint8)
    elif images.shape[1:3] != (size, size):
        images = np.stack([np.asarray(fit(Image.fromarray(image), size)) for image in images])
    if images.ndim == 3:
        images = images[..., None]
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def fit(image: Image.Image, size: int) -> Image.Image:
    """The shorter side resized to `size`, the centre kept. Raises DataError for a strip, which could grow huge."""
    width, height = image.size
    if max(width, height) > LONGEST * min(width, height):
        raise DataError("data.path", f"{width} x {height} is a strip; sides of at most 1 to {LONGEST} are read")
    scale = size / min(width, height)
    width, height = max(size, round(width * scale)), max(size, round(height * scale))
    left, top = (width - size) // 2, (height - size) // 2
    return image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + size, top + size))
