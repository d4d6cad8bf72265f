"""Images before they are a data set: how they are resized, and the error for data that cannot be used.

Size rule: the shorter side is resized to `image_size` (Pillow, bicubic with antialiasing) and the centre is kept. The
28x28 sets are first padded with two black pixels a side, so that at 32 no pixel is resampled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from gan_core.data.findings import Findings

MAX_ASPECT_RATIO = 50
"""The largest ratio of an image's longer side to its shorter side."""
CHUNK = 2**24
"""Bytes of images that are copied at once."""


class DataError(ValueError):
    """The data set cannot be used: `path` is the setting at fault, the message says what would be right."""

    def __init__(self, path: str, message: str):
        self.path = path
        super().__init__(message)


@dataclass(frozen=True)
class Part:
    """Images as they were read, [N, H, W] or [N, H, W, C] uint8, of which this part has `rows` (None: all).

    labels: int64, of the images that the part has; or None. Choosing images copies none.
    """

    images: np.ndarray
    labels: np.ndarray | None
    rows: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.images if self.rows is None else self.rows)

    @property
    def channels(self) -> int:
        return self.images.shape[3] if self.images.ndim == 4 else 1

    def pick(self, index: np.ndarray) -> Part:
        """The images of this part at `index`, or where it is true."""
        rows = np.arange(len(self.images)) if self.rows is None else self.rows
        return Part(self.images, None if self.labels is None else self.labels[index], rows[index])


@dataclass(frozen=True)
class Loaded:
    """A data set as it was read. test: None if it has no test part of its own. findings: of the user's own images."""

    train: Part
    test: Part | None
    class_names: tuple[str, ...]
    findings: Findings | None = None


def resize(part: Part, size: int, channels: int, empty: Callable[[tuple[int, ...]], np.ndarray]) -> np.ndarray:
    """The images of a part as uint8 [N, channels, size, size] by the size rule; one channel can become several.

    empty: makes the array of this shape that they are written to.
    """
    rows = np.arange(len(part.images)) if part.rows is None else part.rows
    resized = empty((len(rows), channels, size, size))
    step = max(1, CHUNK // max(1, part.images[:1].nbytes))
    for start in range(0, len(rows), step):
        chunk = _resized(part.images[rows[start : start + step]], size)
        resized[start : start + step] = chunk[:, None] if chunk.ndim == 3 else chunk.transpose(0, 3, 1, 2)
    return resized


def _resized(images: np.ndarray, size: int) -> np.ndarray:
    """uint8 [N, H, W] or [N, H, W, C] -> [N, size, size] or [N, size, size, C]."""
    if images.shape[1:3] == (28, 28):
        images = np.pad(images, [(0, 0), (2, 2), (2, 2)] + [(0, 0)] * (images.ndim - 3))
    if images.shape[1:3] == (size, size):
        return images
    return np.stack([np.asarray(fit(Image.fromarray(image), size)) for image in images])


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
