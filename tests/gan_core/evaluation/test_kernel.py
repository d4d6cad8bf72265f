"""The kernel distance against torch-fidelity, closed forms, and what its mean and spread promise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gan_core.evaluation import kernel
from gan_core.evaluation.kernel import kernel_distance


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


REAL, FAKE = normal(90, 8), 0.2 + 1.1 * normal(60, 8, seed=1)


def torch_fidelity(real: Tensor, fake: Tensor, subsets: int, size: int, seed: int) -> tuple[float, float]:
    from torch_fidelity.metric_kid import kid_features_to_metric  # with torchvision, which takes seconds

    settings = {"kid_subsets": subsets, "kid_subset_size": size, "rng_seed": seed, "verbose": False}
    theirs = kid_features_to_metric(real, fake, **settings)
    return theirs["kernel_inception_distance_mean"], theirs["kernel_inception_distance_std"]


@pytest.mark.parametrize(
    ("n", "m", "size", "seed"), [(90, 60, 30, 0), (60, 90, 30, 7), (50, 50, 2, 1), (500, 300, 100, 2020)]
)
def test_agrees_with_torch_fidelity(n: int, m: int, size: int, seed: int) -> None:
    real, fake = normal(n, 8), 0.2 + 1.1 * normal(m, 8, seed=1)
    ours = kernel_distance(real, fake, subsets=20, subset_size=size, seed=seed)
    assert ours == pytest.approx(torch_fidelity(real, fake, 20, size, seed), rel=1e-5)


def test_subsets_are_100_of_1000_items_unless_told() -> None:
    real, fake = normal(2001, 2), 1 + normal(2001, 2, seed=1)
    ours = kernel_distance(real, fake)
    assert ours == kernel_distance(real, fake, subsets=100, subset_size=1000, seed=0)
    assert ours != kernel_distance(real, fake, subsets=100, subset_size=999, seed=0)


@pytest.mark.parametrize("asked", [31, 60, 1000])
def test_a_subset_is_at_most_half_of_the_smaller_set(asked: int) -> None:
    expected = torch_fidelity(REAL, FAKE, 100, 30, 0)
    assert kernel_distance(REAL, FAKE, subset_size=asked) == pytest.approx(expected, rel=1e-5)
    assert kernel_distance(FAKE, REAL, subset_size=asked)[1] > 0


def test_sets_of_one_point_each_differ_by_their_kernels() -> None:
    """At 0 the kernel is 1, so that MMD² = 1 + (|c|²/d + 1)³ - 2."""
    origin, point = torch.zeros(10, 2), torch.tensor([1.0, 3.0]).expand(10, 2)
    mean, spread = kernel_distance(origin, point)
    assert mean == pytest.approx((10 / 2 + 1) ** 3 - 1)
    assert spread == pytest.approx(0, abs=1e-9)


def test_has_no_bias_where_the_sets_are_alike() -> None:
    means = torch.tensor(
        [kernel_distance(normal(40, 4, seed=i), normal(40, 4, seed=1000 + i), subsets=20)[0] for i in range(300)]
    )
    assert abs(means.mean().item()) < 3 * means.std().item() / 300**0.5
    assert 0.3 < (means < 0).float().mean().item() < 0.8


def test_has_no_bias_where_the_sets_differ() -> None:
    """For one-dimensional N(0, 1) and N(1, 1), with E[(xy + 1)³] = m3 m3' + 3 m2 m2' + 3 m1 m1' + 1 of raw moments."""
    expected = sum(weight * (p - q) ** 2 for weight, p, q in [(3, 0, 1), (3, 1, 2), (1, 0, 4)])
    means = torch.tensor(
        [kernel_distance(normal(40, 1, seed=i), 1 + normal(40, 1, seed=1000 + i), subsets=20)[0] for i in range(300)]
    )
    assert means.mean().item() == pytest.approx(expected, abs=3 * means.std().item() / 300**0.5)


@pytest.mark.parametrize(("shift", "least", "most"), [(0.0, 1.0, 2.2), (1.0, 0.8, 1.3)])
def test_spread_says_how_well_the_mean_is_known(shift: float, least: float, most: float) -> None:
    distances = [kernel_distance(normal(64, 8, seed=i), shift + normal(64, 8, seed=1000 + i)) for i in range(100)]
    means, spreads = torch.tensor(distances).T
    assert least < (spreads.mean() / means.std()).item() < most


def test_one_seed_gives_one_number() -> None:
    assert kernel_distance(REAL, FAKE, seed=3) == kernel_distance(REAL, FAKE, seed=3)
    assert kernel_distance(REAL, FAKE, seed=3) != kernel_distance(REAL, FAKE, seed=4)


def test_order_matters_no_more_than_the_seed() -> None:
    mean, spread = kernel_distance(REAL, FAKE)
    other, _ = kernel_distance(REAL.flip(0), FAKE.flip(0))
    assert other == pytest.approx(mean, abs=5 * spread / 100**0.5)


def test_rotation_of_both_does_not_matter() -> None:
    rotation = torch.linalg.qr(normal(8, 8, seed=4)).Q
    assert kernel_distance(REAL @ rotation, FAKE @ rotation) == pytest.approx(kernel_distance(REAL, FAKE))


@pytest.mark.parametrize("pairs", [1, 700, 10**6])
def test_how_many_pairs_are_held_at_once_does_not_matter(pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = kernel_distance(REAL, FAKE)
    monkeypatch.setattr(kernel, "MAX_PAIRS", pairs)
    assert kernel_distance(REAL, FAKE) == pytest.approx(expected)


def test_too_few_items_are_refused() -> None:
    with pytest.raises(ValueError, match="half of the smaller set 1"):
        kernel_distance(REAL, FAKE[:3])
    with pytest.raises(ValueError, match="subset_size is 1"):
        kernel_distance(REAL, FAKE, subset_size=1)
