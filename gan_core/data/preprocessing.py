"""Images before they are a data set: how they are resized, and the error for data that cannot be used.

Size rule: the shorter side is resized to `image_size` (Pillow, bicubic with antialiasing) and the centre is kept. The
28x28 sets are first padded with two black pixels a side, so that at 32 no pixel is resampled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

MAX_ASPECT_RATIO = 50
"""Of the longer side to the shorter."""


class DataError(ValueError):
    """The data set cannot be used: `path` is the setting at fault, the message says what would be right."""

    def __init__(self, path: str, message: str):
        self.path = path
        super().__init__(message)


@dataclass
class Part:
    """Images as they were read: uint8 [N, H, W] or [N, H, W, C]; labels int64 [N] or None."""

    images: np.ndarray
    labels: np.ndarray | None


@dataclass
class Loaded:
    """A data set as it was read. test: None if it has no test part of its own."""

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
    """Resizes the shorter side to `size` and crops to the centre. Raises DataError if the other would be huge."""
    width, height = image.size
    if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise DataError(
            "data.path",
            f"{width} x {height} is too narrow; the sides may have a ratio of at most 1 to {MAX_ASPECT_RATIO}",
        )
    scale = size / min(width, height)
    width, height = max(size, round(width * scale)), max(size, round(height * scale))
    left, top = (width - size) // 2, (height - size) // 2
    return image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + size, top + size))
