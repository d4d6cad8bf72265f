"""A class of which one image is drawn again and again has no recall, however varied the other classes are."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_core.evaluation.class_recall import MIN_PER_CLASS, class_recall
from gan_core.evaluation.manifold import manifold

CLASSES = torch.arange(300) % 3


def clusters(seed: int) -> Tensor:
    """300 vectors in three clusters, one for each class."""
    return torch.randn(300, 8, generator=torch.Generator().manual_seed(seed)) + 20 * CLASSES[:, None]


def test_a_class_that_repeats_one_image_is_the_weakest() -> None:
    real, fake = clusters(0), clusters(1)
    fake[CLASSES == 2] = fake[2].clone()
    recalls = class_recall(real, CLASSES, fake, CLASSES)
    assert recalls[2] == 0
    assert min(recalls[0], recalls[1]) > 0.6
    assert manifold(real, fake).recall > 0.5  # over all classes hardly anything shows


def test_a_class_that_is_drawn_as_another_has_no_recall() -> None:
    real, fake = clusters(0), clusters(1)
    assert class_recall(real, CLASSES, fake, (CLASSES + 1) % 3) == {0: 0, 1: 0, 2: 0}


def test_it_is_the_recall_of_each_class_alone() -> None:
    real, fake = clusters(0), clusters(1)
    recalls = class_recall(real, CLASSES, fake, CLASSES, k=3)
    members = [label == CLASSES for label in range(3)]
    assert list(recalls.values()) == [manifold(real[of], fake[of], 3).recall for of in members]


def test_classes_with_few_images_are_left_out() -> None:
    real, fake = clusters(0), clusters(1)
    few = torch.where(torch.arange(300) < 3 * (MIN_PER_CLASS - 1), CLASSES, 0)
    assert set(class_recall(real, few, fake, CLASSES)) == {0}
    assert set(class_recall(real, CLASSES, fake, few)) == {0}
    assert class_recall(real[:15], CLASSES[:15], fake, CLASSES) == {}
