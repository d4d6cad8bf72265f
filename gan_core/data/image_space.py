"""Where the images of a data set are put while it is read: in memory, or in files that are mapped into it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from gan_core.data.memory_check import check_memory


class ImageSpace(Protocol):
    """Makes the arrays that images are written to."""

    def check(self, path: Path, count: int) -> None:
        """Raises DataError if there is no room for `count` bytes of images, and for the data set made of them."""

    def empty(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """A writable uint8 array of this shape. name: of its file, if it has one."""

    def progress(self, done: int, total: int) -> None:
        """Called for each image."""


class InMemory:
    def check(self, path: Path, count: int) -> None:
        check_memory(path, count, count)

    def empty(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        return np.empty(shape, np.uint8)

    def progress(self, done: int, total: int) -> None:
        pass


IN_MEMORY = InMemory()
