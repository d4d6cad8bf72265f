"""The effective number of distinct samples, in cases whose answer is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gan_core.evaluation.distinctness import distinct_share, repeat_distance

REAL = torch.randn(500, 16, generator=torch.Generator().manual_seed(0))
SAMPLES = torch.randn(500, 16, generator=torch.Generator().manual_seed(1))
DISTANCE = repeat_distance(REAL)


def repeated(count: int) -> Tensor:
    """500 samples that show `count` images, each as often."""
    return SAMPLES[torch.arange(500) % count]


@pytest.mark.parametrize("count", [1, 2, 5, 20, 50, 250])
def test_repeated_images_give_their_number(count: int) -> None:
    assert 500 * distinct_share(repeated(count), DISTANCE) == pytest.approx(count, rel=0.1)


def test_samples_of_the_same_distribution_are_distinct() -> None:
    assert distinct_share(SAMPLES, DISTANCE) > 0.9
    assert distinct_share(REAL, DISTANCE) > 0.9


def test_small_perturbations_hide_no_repetition() -> None:
    noise = torch.randn(500, 16, generator=torch.Generator().manual_seed(2))
    assert 500 * distinct_share(repeated(50) + 0.05 * noise, DISTANCE) == pytest.approx(50, rel=0.1)


def test_one_image_in_half_of_the_samples_leaves_few_distinct_ones() -> None:
    samples = SAMPLES.clone()
    samples[:250] = samples[0]
    assert 500 * distinct_share(samples, DISTANCE) == pytest.approx(4, rel=0.02)


def test_the_distance_exceeds_the_nearest_neighbour_of_one_real_image_in_twenty() -> None:
    line = torch.tensor([0.0, 1, 3, 6, 10, 15, 21, 28, 36, 45])[:, None]  # nearest neighbours: 1, 1, 2, 3, ... 9
    assert repeat_distance(line) == 1.0
    assert distinct_share(line, 0.5) == 1.0
    assert distinct_share(line, 1.0) == 10 / 12  # one pair, in both orders


def test_a_class_that_collapsed_to_one_image_shows() -> None:
    samples = SAMPLES.clone()
    samples[torch.arange(500) % 10 == 3] = SAMPLES[3]
    assert distinct_share(samples, DISTANCE) < 0.2
