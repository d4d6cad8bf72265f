"""Copies of training images are suspicious from a fifth of the samples on; new images never are."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gan_core.config.sections import EvaluationConfig
from gan_core.data.datasets import ImageSet
from gan_core.evaluation.evaluator import Evaluator, build
from gan_core.evaluation.features import random_features
from gan_core.evaluation.memorisation_check import MIN_COPIED, repeats_training_images


@pytest.fixture(scope="module")
def evaluator(digits: ImageSet) -> Evaluator:
    return build(EvaluationConfig(samples=512), digits, random_features(1))


def is_suspicious(evaluator: Evaluator, images: Tensor) -> bool:
    copied = evaluator.measure(images)[f"copied/{evaluator.id}"]
    held_out = evaluator.kept_out
    return repeats_training_images(copied, len(images), held_out["copied"], int(held_out["count"]))


def noisy(images: Tensor, deviation: float) -> Tensor:
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return (images + deviation * noise).round().clamp(0, 255).to(torch.uint8)


def test_new_images_are_not_suspicious(evaluator: Evaluator, digits: ImageSet) -> None:
    halfway = (digits.images[:512] / 2 + digits.images[512:1024] / 2).round().to(torch.uint8)
    for images in (
        digits.test_images,
        noisy(digits.test_images, 10),
        digits.test_images[:20].repeat(10, 1, 1, 1),
        halfway,
    ):
        assert not is_suspicious(evaluator, images)


@pytest.mark.parametrize("share", [0.2, 1.0])
@pytest.mark.parametrize("deviation", [0.0, 3.0])
def test_copies_are_also_with_a_little_noise(
    evaluator: Evaluator, digits: ImageSet, share: float, deviation: float
) -> None:
    images = digits.test_images.clone()
    copies = round(share * len(images))
    images[:copies] = noisy(digits.images[:copies], deviation)
    assert is_suspicious(evaluator, images)


def test_few_repeated_training_images_are_copies(evaluator: Evaluator, digits: ImageSet) -> None:
    assert is_suspicious(evaluator, digits.images[:6].repeat(86, 1, 1, 1))


def test_chance_and_very_few_copies_are_no_sign() -> None:
    assert not repeats_training_images(0.9 * MIN_COPIED, 100_000, 0.0, 10_000)
    assert repeats_training_images(1.1 * MIN_COPIED, 100_000, 0.0, 10_000)
    assert not repeats_training_images(0.10, 512, 0.08, 143)
    assert repeats_training_images(0.05, 512)
