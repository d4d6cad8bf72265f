"""Copies of training images are not authentic, however few pixels they differ in; new images are."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gan_core.evaluation import memorisation as module
from gan_core.evaluation.memorisation import Memorisation, TrainingFeatures, memorisation


def gaussian(count: int, seed: int, dimensions: int = 16, centre: float = 0.0) -> Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed)) + centre


def score(training: Tensor, fake: Tensor) -> Memorisation:
    return memorisation(TrainingFeatures.of(training), fake)


def by_definition(training: Tensor, fake: Tensor) -> float:
    """The authenticity of Alaa et al. (2022), in float64 and without chunks."""
    training, fake = training.double(), fake.double()
    among_training = (training[:, None] - training).norm(dim=2).fill_diagonal_(torch.inf)
    distances, nearest = (fake[:, None] - training).norm(dim=2).min(dim=1)
    return (distances > among_training.min(dim=1).values[nearest]).double().mean().item()


@pytest.mark.parametrize("centre", [0.0, 30.0])
def test_authenticity_is_that_of_its_definition(centre: float) -> None:
    training = gaussian(300, 0, centre=centre)
    for fake in (gaussian(100, 1, centre=centre), 3 * gaussian(100, 2), training[:50] + 0.3 * gaussian(50, 3)):
        assert score(training, fake).authenticity == pytest.approx(by_definition(training, fake), abs=1e-9)


def test_copies_are_not_authentic_also_where_features_are_far_from_zero() -> None:
    training = gaussian(300, 0, centre=1000.0)
    assert score(training, training[:100]) == (0.0, 1.0)
    nearly = training[:100] + 0.01 * gaussian(100, 1)
    assert score(training, nearly) == (0.0, 1.0)


def test_new_images_of_the_same_kind_are_hardly_ever_copies() -> None:
    new = score(gaussian(2000, 0), gaussian(500, 1))
    assert 0.3 < new.authenticity < 0.7
    assert new.copied < 0.01


def test_a_share_of_copies_is_that_share() -> None:
    training = gaussian(2000, 0)
    mixed = torch.cat([training[:30], 5 * gaussian(70, 1)])
    assert score(training, mixed) == (0.7, 0.3)


def test_a_copy_of_an_image_that_the_data_hold_twice_is_a_copy() -> None:
    training = torch.cat([gaussian(50, 0), gaussian(50, 0)])
    assert score(training, training[:10]) == (0.0, 1.0)
    assert score(training, training[:10] + 0.1) == (1.0, 0.0)


def test_neither_order_nor_chunks_change_it(monkeypatch: pytest.MonkeyPatch) -> None:
    training, fake = gaussian(300, 0), torch.cat([gaussian(60, 0)[:20], gaussian(57, 1)])
    whole = score(training, fake)
    assert score(training.flip(0), fake.flip(0)) == whole
    for items, among in ((1, 1), (10, 7), (50, 299)):
        monkeypatch.setattr(module, "ITEMS_AT_ONCE", items)
        monkeypatch.setattr(module, "TRAINING_AT_ONCE", among)
        assert score(training, fake) == whole


@pytest.mark.parametrize(("training", "samples"), [(0, 5), (1, 5), (5, 0)])
def test_too_few_images_are_refused(training: int, samples: int) -> None:
    with pytest.raises(ValueError, match=r"at least 2 training images|there are no samples"):
        score(gaussian(training, 0), gaussian(samples, 1))
