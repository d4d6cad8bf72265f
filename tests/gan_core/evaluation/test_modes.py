"""Modes covered, class divergence and class agreement, each worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from gan_core.evaluation.modes import class_agreement, class_divergence, modes_covered

PREDICTED = torch.tensor([0, 0, 0, 1, 1, 3])


def test_one_image_covers_a_mode() -> None:
    assert modes_covered(PREDICTED, classes=5) == 3


def test_no_images_cover_no_modes() -> None:
    assert modes_covered(torch.empty(0, dtype=torch.int64), classes=5) == 0


@pytest.mark.parametrize("wrong", [-1, 4])
def test_a_class_that_does_not_exist_is_refused(wrong: int) -> None:
    with pytest.raises(ValueError, match=f"class {wrong} is not one of the 4 classes 0 to 3"):
        modes_covered(torch.tensor([0, wrong]), classes=4)
    with pytest.raises(ValueError, match=f"class {wrong} is not one of the 4 classes 0 to 3"):
        class_divergence(torch.tensor([0, wrong]), torch.ones(4))


def test_divergence_is_that_of_generated_from_data() -> None:
    """Generated 1/2, 1/3, 0, 1/6 against data of 1/8, 1/4, 1/2, 1/8."""
    by_hand = 1 / 2 * math.log(4) + 1 / 3 * math.log(4 / 3) + 1 / 6 * math.log(4 / 3)
    assert class_divergence(PREDICTED, torch.tensor([1, 2, 4, 1])) == pytest.approx(by_hand, rel=1e-12)


def test_counts_and_probabilities_give_the_same_divergence() -> None:
    counts = torch.tensor([10, 20, 40, 10])
    assert class_divergence(PREDICTED, counts) == pytest.approx(class_divergence(PREDICTED, counts / 80))


def test_divergence_is_0_where_the_histograms_are_equal() -> None:
    assert class_divergence(torch.arange(7).repeat(3), torch.full((7,), 1 / 7)) == pytest.approx(0, abs=1e-14)


def test_divergence_is_never_negative_not_even_by_round_off() -> None:
    counts = torch.randint(1, 20, (50, 13), generator=torch.Generator().manual_seed(0))
    assert min(class_divergence(torch.arange(13).repeat_interleave(count), count) for count in counts) >= 0


def test_collapse_to_one_of_c_equal_classes_costs_log_c() -> None:
    assert class_divergence(torch.full((8,), 6), torch.ones(10)) == pytest.approx(math.log(10))


@pytest.mark.parametrize("predicted", [[0, 2], [0, 1]])
def test_a_class_absent_from_the_data_is_refused_whether_generated_or_not(predicted: list[int]) -> None:
    with pytest.raises(ValueError, match="class 1 has no item in the data"):
        class_divergence(torch.tensor(predicted), torch.tensor([3, 0, 2]))


def test_agreement_is_the_share_of_images_of_the_asked_class() -> None:
    assert class_agreement(PREDICTED, torch.tensor([0, 0, 1, 1, 1, 0])) == pytest.approx(4 / 6)
    assert class_agreement(PREDICTED, PREDICTED) == 1


def test_agreement_needs_as_many_classes_as_were_asked_for() -> None:
    with pytest.raises(ValueError, match=r"\(6,\) predicted classes for \(1,\) requested ones"):
        class_agreement(PREDICTED, torch.tensor([0]))


def test_nothing_has_neither_divergence_nor_agreement() -> None:
    nothing = torch.empty(0, dtype=torch.int64)
    with pytest.raises(ValueError, match="no predicted classes"):
        class_divergence(nothing, torch.ones(3))
    with pytest.raises(ValueError, match="no predicted classes"):
        class_agreement(nothing, nothing)
