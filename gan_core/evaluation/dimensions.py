"""The number of features that an evaluator's networks compute of an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gan_core.data.datasets import Described
from gan_core.evaluation import dinov2_file

EMBEDDING_DIMENSIONS = 64
INCEPTION_DIMENSIONS = 2048


def dimensions_of(kind: str, images: Described[Any], weights: Path | None) -> int:
    """The number of features of `kind` of one image of the set; those of DINOv2 are counted in the file `weights`.

    Raises DataError if that is no file of DINOv2's weights.
    """
    if kind == "inception":
        return INCEPTION_DIMENSIONS
    if kind == "dinov2":
        assert weights is not None
        return dinov2_file.width(weights)
    return EMBEDDING_DIMENSIONS * (images.channels if kind == "classifier" and images.stacked else 1)
