"""The Fréchet distance against torch-fidelity, closed forms and its invariances."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gan_core.evaluation.frechet import Moments, Reference, distance_to, frechet_distance, moments


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def gaussian(mean: list[float], covariance: list[list[float]]) -> Moments:
    return Moments(torch.tensor(mean, dtype=torch.float64), torch.tensor(covariance, dtype=torch.float64))


def distance(a: Tensor, b: Tensor) -> float:
    return frechet_distance(moments(a), moments(b))


REAL, FAKE = normal(200, 12) @ normal(12, 12, seed=1), 0.3 + normal(150, 12, seed=2) @ normal(12, 12, seed=3)


def test_moments_are_those_of_numpy() -> None:
    mean, covariance = moments(REAL.float())
    assert mean.dtype == covariance.dtype == torch.float64
    assert torch.allclose(mean, REAL.mean(dim=0), rtol=1e-5, atol=1e-6)
    assert torch.allclose(covariance, REAL.T.cov(correction=1), rtol=1e-5, atol=1e-5)


def test_moments_of_one_item_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 feature vectors, there are 1"):
        moments(normal(1, 3))


@pytest.mark.parametrize(("n", "m", "d"), [(200, 150, 12), (512, 512, 64), (30, 25, 3)])
def test_agrees_with_torch_fidelity(n: int, m: int, d: int) -> None:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric  # with torchvision

    real, fake = normal(n, d) @ normal(d, d, seed=1), 0.1 + normal(m, d, seed=2)
    theirs = fid_statistics_to_metric(*(fid_features_to_statistics(features) for features in (real, fake)), False)
    assert distance(real, fake) == pytest.approx(theirs["frechet_inception_distance"], rel=1e-5)


def test_in_one_dimension_it_is_the_shift_and_the_difference_of_deviations() -> None:
    assert frechet_distance(gaussian([1], [[4]]), gaussian([-2], [[25]])) == pytest.approx((1 + 2) ** 2 + (2 - 5) ** 2)


def test_commuting_covariances_add_up_over_their_axes() -> None:
    a, b = (
        gaussian([0, 1, 0], [[1, 0, 0], [0, 9, 0], [0, 0, 4]]),
        gaussian([2, 1, 0], [[16, 0, 0], [0, 4, 0], [0, 0, 0]]),
    )
    assert frechet_distance(a, b) == pytest.approx(2**2 + (1 - 4) ** 2 + (3 - 2) ** 2 + (2 - 0) ** 2)


def test_covariances_that_do_not_commute() -> None:
    """For 2 x 2 matrices with non-negative eigenvalues, Tr M^½ = (Tr M + 2 (det M)^½)^½; here M = S_a S_b."""
    a, b = gaussian([0, 0], [[2, 1], [1, 3]]), gaussian([0, 0], [[4, -1], [-1, 1]])
    trace, determinant = (8 - 1) + (-1 + 3), 5 * 3
    assert frechet_distance(a, b) == pytest.approx(5 + 5 - 2 * math.sqrt(trace + 2 * math.sqrt(determinant)))


def test_fewer_items_than_dimensions_still_have_a_distance() -> None:
    """Sets in orthogonal subspaces share no root: S_a S_b is 0."""
    flat_a, flat_b = torch.zeros(2, 8, 40, dtype=torch.float64)
    flat_a[:, :20], flat_b[:, 20:] = normal(8, 20), normal(8, 20, seed=1)
    a, b = moments(flat_a), moments(flat_b)
    closed = (a.mean - b.mean).square().sum() + a.covariance.trace() + b.covariance.trace()
    assert frechet_distance(a, b) == pytest.approx(closed.item(), rel=1e-5)


@pytest.mark.parametrize("items", [2, 10, 500])
def test_a_set_is_at_0_from_itself(items: int) -> None:
    features = 100 * normal(items, 64)
    itself = distance(features, features.flip(0))
    assert itself >= 0
    assert itself == pytest.approx(0, abs=1e-9 * moments(features).covariance.trace().item())


def test_is_symmetric() -> None:
    assert distance(REAL, FAKE) == pytest.approx(distance(FAKE, REAL))


def test_order_does_not_matter() -> None:
    assert distance(REAL.flip(0), FAKE) == pytest.approx(distance(REAL, FAKE))


def test_shift_and_rotation_of_both_do_not_matter() -> None:
    rotation = torch.linalg.qr(normal(12, 12, seed=4)).Q
    assert distance(REAL @ rotation + 50, FAKE @ rotation + 50) == pytest.approx(distance(REAL, FAKE))


def test_shift_of_one_adds_its_square() -> None:
    assert distance(REAL, REAL + 0.5) == pytest.approx(12 * 0.5**2)


def test_has_the_units_of_squared_features() -> None:
    assert distance(3 * REAL, 3 * FAKE) == pytest.approx(9 * distance(REAL, FAKE))


def test_the_fast_distance_to_a_reference_is_the_distance() -> None:
    random = torch.Generator().manual_seed(0)
    wide, narrow, few = (
        torch.randn(count, 16, generator=random) * scale for count, scale in ((99, 3), (60, 1), (9, 1))
    )
    for one, other in ((wide, narrow), (narrow, few), (few, wide), (wide, wide)):
        expected = frechet_distance(moments(one), moments(other))
        assert distance_to(Reference.of(moments(one)), moments(other)) == pytest.approx(expected, abs=1e-5)
