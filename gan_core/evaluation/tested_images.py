"""How many test images of each class the accuracy of a classifier is measured on."""

from __future__ import annotations

import torch

from gan_core.data.datasets import ImageSet
from gan_core.evaluation.features import Features, single_images


def tested_images(features: Features, images: ImageSet) -> dict[str, int]:
    """Name of a class -> its test images; {} without a classifier or without labels of test images."""
    test_images, labels = single_images(images.test_images, images.test_labels, images.stacked)
    if features.kind != "classifier" or labels is None or not len(test_images):
        return {}
    names = [str(digit) for digit in range(10)] if images.stacked else images.class_names
    counts = torch.bincount(labels, minlength=len(names)).tolist()
    return dict(zip(names, counts, strict=True))
