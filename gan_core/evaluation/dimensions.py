"""How many numbers the feature extractors make of an image."""

from __future__ import annotations

from typing import Any

from gan_core.data.datasets import Described

EMBEDDING_DIMENSIONS = 64
INCEPTION_DIMENSIONS = 2048


def dimensions_of(kind: str, images: Described[Any]) -> int:
    """How many features of this kind an image of the set has."""
    if kind == "inception":
        return INCEPTION_DIMENSIONS
    return EMBEDDING_DIMENSIONS * (images.channels if kind == "classifier" and images.stacked else 1)
