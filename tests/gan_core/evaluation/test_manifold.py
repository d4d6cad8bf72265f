"""Precision, recall, density and coverage against prdc and torch-fidelity, and on sets whose balls one can count."""

from __future__ import annotations

import pytest
import torch
from prdc import compute_prdc
from torch import Tensor
from torch_fidelity.metric_prc import prc_features_to_metric

from gan_core.evaluation import neighbours
from gan_core.evaluation.manifold import Manifold, manifold


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def line(*places: float) -> Tensor:
    return torch.tensor(places, dtype=torch.float64)[:, None]


REAL, FAKE = normal(150, 6), 0.5 + 0.9 * normal(100, 6, seed=1)


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize(("n", "m", "d"), [(150, 100, 6), (100, 150, 6), (300, 300, 64)])
def test_agrees_with_prdc(n: int, m: int, d: int, k: int) -> None:
    real, fake = normal(n, d), 0.3 + 0.9 * normal(m, d, seed=1)
    theirs = compute_prdc(real.numpy(), fake.numpy(), nearest_k=k)
    assert manifold(real, fake, k)._asdict() == pytest.approx(theirs, rel=1e-5)


def test_precision_and_recall_agree_with_torch_fidelity_even_where_items_repeat() -> None:
    real, fake = torch.cat([REAL, REAL[:9], REAL[:1].expand(7, 6)]), torch.cat([FAKE, REAL[:20], FAKE[:1].expand(7, 6)])
    theirs = prc_features_to_metric(fake, real, prc_neighborhood=5, verbose=False)
    ours = manifold(real, fake, k=5)
    assert (ours.precision, ours.recall) == pytest.approx((theirs["precision"], theirs["recall"]), rel=1e-5)


def test_k_is_5_unless_told() -> None:
    assert manifold(REAL, FAKE) == manifold(REAL, FAKE, k=5) != manifold(REAL, FAKE, k=4)


def test_balls_on_a_line() -> None:
    """With k = 1, real balls [-1, 1] [0, 2] [1, 3] [2, 6] [4, 12], fake balls [1.2, 3.8] [2.5, 5.1] [-20.5, 2.5]."""
    real, fake = line(0, 1, 2, 4, 8), line(2.5, 3.8, -9)
    assert manifold(real, fake, k=1) == Manifold(precision=2 / 3, recall=4 / 5, density=3 / 3, coverage=2 / 5)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_a_set_against_itself_is_perfect(scale: float) -> None:
    """By matrix products, items far from the origin would not be at 0 from themselves."""
    items = 1000 * scale + scale * normal(80, 16)
    precision, recall, density, coverage = manifold(items, items.flip(0))
    assert precision == recall == coverage == 1
    assert density == pytest.approx(1 + 1 / 5)


def test_a_set_of_one_repeated_item_against_itself_is_perfect() -> None:
    items = normal(1, 16).expand(20, 16)
    assert manifold(items, items)[:2] == (1, 1)
    assert manifold(items, items).coverage == 1


def test_a_generator_of_one_mode_is_precise_and_recalls_little() -> None:
    real = torch.cat([normal(50, 2), 100 + normal(50, 2, seed=1), 200 + normal(50, 2, seed=2)])
    fake = 0.5 * normal(150, 2, seed=3)
    precision, recall, density, coverage = manifold(real, fake)
    assert precision > 0.95
    assert recall < 1 / 3
    assert density > 1
    assert coverage <= 1 / 3


def test_a_generator_that_strays_recalls_all_and_is_imprecise() -> None:
    real = normal(150, 2)
    fake = torch.cat([normal(50, 2, seed=1), 100 + normal(100, 2, seed=2)])
    precision, recall, density, coverage = manifold(real, fake)
    assert precision <= 1 / 3
    assert recall > 0.9
    assert density < 0.5
    assert coverage > 0.7


def test_density_exceeds_1_where_fakes_keep_to_the_dense_places() -> None:
    assert manifold(normal(300, 4), 0.2 * normal(300, 4, seed=1)).density > 1.2


def test_density_is_about_1_for_a_second_sample_of_the_data() -> None:
    assert manifold(normal(500, 4), normal(500, 4, seed=1)).density == pytest.approx(1, abs=0.1)


def test_exchanging_the_sets_exchanges_precision_and_recall() -> None:
    ours, exchanged = manifold(REAL, FAKE), manifold(FAKE, REAL)
    assert (ours.precision, ours.recall) == (exchanged.recall, exchanged.precision)
    assert ours.precision != ours.recall


def test_order_does_not_matter() -> None:
    order = torch.randperm(100, generator=torch.Generator().manual_seed(5))
    assert manifold(REAL.flip(0), FAKE[order]) == manifold(REAL, FAKE)


def test_shift_scale_and_rotation_of_both_do_not_matter() -> None:
    rotation = torch.linalg.qr(normal(6, 6, seed=4)).Q
    assert manifold(3 * REAL @ rotation + 7, 3 * FAKE @ rotation + 7) == manifold(REAL, FAKE)


@pytest.mark.parametrize("pairs", [1, 333, 2000, 10**6])
def test_how_many_pairs_are_held_at_once_does_not_matter(pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, itself = manifold(REAL, FAKE), manifold(REAL, REAL)
    monkeypatch.setattr(neighbours, "MAX_PAIRS", pairs)
    assert manifold(REAL, FAKE) == expected
    assert manifold(REAL, REAL) == itself


def test_k_plus_1_items_are_enough_and_k_are_refused() -> None:
    assert manifold(REAL[:6], FAKE[:6], k=5)
    with pytest.raises(ValueError, match=r"k \+ 1 = 6 items, the real set has 5"):
        manifold(REAL[:5], FAKE, k=5)
    with pytest.raises(ValueError, match=r"k \+ 1 = 6 items, the fake set has 5"):
        manifold(REAL, FAKE[:5], k=5)
