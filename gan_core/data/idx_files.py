"""MNIST and Fashion-MNIST from the files that torchvision leaves: without torchvision, which needs torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CLASSES = {
    "MNIST": tuple("0123456789"),
    "FashionMNIST": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
}  # fmt: skip
"""torchvision's name of a data set -> its classes; of Fashion-MNIST as torchvision names them."""
PARTS = ("train", "t10k")


def idx_files(folder: Path) -> list[tuple[Path, Path]]:
    """Those of images and labels, of the training part and the test part; [] if one is missing."""
    files = [(folder / f"{part}-images-idx3-ubyte", folder / f"{part}-labels-idx1-ubyte") for part in PARTS]
    return files if all(file.exists() for pair in files for file in pair) else []


def read_idx(file: Path) -> np.ndarray:
    """The bytes of a file as an array.

    Two zeros, the type (8: bytes), the number of dimensions, each as four bytes, the highest first, then the content
    (the IDX format of Y. LeCun's page of MNIST). Raises ValueError for anything else.
    """
    content = file.read_bytes()
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{file.name} is no IDX file of bytes")
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
