"""The number of features that an evaluator's networks compute of an image."""

from __future__ import annotations

from typing import Any

from gan_core.data.datasets import Described

EMBEDDING_DIMENSIONS = 64
INCEPTION_DIMENSIONS = 2048


def dimensions_of(kind: str, images: Described[Any]) -> int:
    """The number of features of `kind` (classifier, random or inception) of one image of the set."""
    if kind == "inception":
        return INCEPTION_DIMENSIONS
    return EMBEDDING_DIMENSIONS * (images.channels if kind == "classifier" and images.stacked else 1)
