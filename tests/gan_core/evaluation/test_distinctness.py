"""The effective number of distinct samples, in cases whose answer is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gan_core.evaluation.distinctness import Compared, RepeatDistances, coarse_pixels, distinct_share

REAL = torch.randn(500, 16, generator=torch.Generator().manual_seed(0))
SAMPLES = torch.randn(500, 16, generator=torch.Generator().manual_seed(1))
DISTANCES = RepeatDistances.of(Compared(REAL, REAL))


def repeated(count: int) -> Tensor:
    """500 samples that show `count` images, each as often."""
    return SAMPLES[torch.arange(500) % count]


def share(samples: Tensor) -> float:
    """Of samples whose features and pixels are the same."""
    return distinct_share(Compared(samples, samples), DISTANCES)


@pytest.mark.parametrize("count", [1, 2, 5, 20, 50, 250])
def test_repeated_images_give_their_number(count: int) -> None:
    assert 500 * share(repeated(count)) == pytest.approx(count, rel=0.1)


def test_samples_of_the_same_distribution_are_distinct() -> None:
    assert share(SAMPLES) > 0.9
    assert share(REAL) > 0.9


def test_small_perturbations_hide_no_repetition() -> None:
    noise = torch.randn(500, 16, generator=torch.Generator().manual_seed(2))
    assert 500 * share(repeated(50) + 0.05 * noise) == pytest.approx(50, rel=0.1)


def test_one_image_in_half_of_the_samples_leaves_few_distinct_ones() -> None:
    samples = SAMPLES.clone()
    samples[:250] = samples[0]
    assert 500 * share(samples) == pytest.approx(4, rel=0.02)


def test_the_distance_exceeds_the_nearest_neighbour_of_one_real_image_in_twenty() -> None:
    line = torch.tensor([0.0, 1, 3, 6, 10, 15, 21, 28, 36, 45])[:, None]  # nearest neighbours: 1, 1, 2, 3, ... 9
    line = Compared(line, 10 * line)
    assert RepeatDistances.of(line) == (1.0, 10.0)
    assert distinct_share(line, RepeatDistances(0.5, 5.0)) == 1.0
    assert distinct_share(line, RepeatDistances(1.0, 10.0)) == 10 / 12  # one pair, in both orders


def test_images_that_are_near_in_one_way_only_are_distinct() -> None:
    same = torch.zeros(500, 16)
    assert distinct_share(Compared(same, SAMPLES), DISTANCES) > 0.9
    assert distinct_share(Compared(SAMPLES, same), DISTANCES) > 0.9
    assert distinct_share(Compared(same, same), DISTANCES) == 1 / 500


def test_a_class_that_collapsed_to_one_image_shows() -> None:
    samples = SAMPLES.clone()
    samples[torch.arange(500) % 10 == 3] = SAMPLES[3]
    assert share(samples) < 0.2


def test_coarse_pixels_are_means_of_areas_of_each_channel() -> None:
    image = torch.zeros(1, 2, 16, 16, dtype=torch.uint8)
    image[0, 1, :2, 2:4] = torch.tensor([[0, 100], [200, 100]])
    pixels = coarse_pixels(image)
    assert pixels.shape == (1, 128)
    assert pixels[0, 64 + 1] == 100 and pixels.count_nonzero() == 1
