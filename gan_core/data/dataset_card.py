"""A data set in plain values, for files and for MLflow."""

from __future__ import annotations

from typing import TypedDict


class DatasetCard(TypedDict):
    """`images`, `test_images`: counts. `image_size`: height and width in pixels. `classes`: names, [] if unlabelled."""

    name: str
    fingerprint: str
    images: int
    test_images: int
    channels: int
    image_size: int
    classes: list[str]
