"""The extrapolated distance is near the true one, where the distance of few samples is far above it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gan_core.evaluation import frechet_infinity as module
from gan_core.evaluation.frechet import Moments, Reference, frechet_distance, moments
from gan_core.evaluation.frechet_infinity import frechet_infinity

DIMENSIONS = 32
REAL = Moments(torch.zeros(DIMENSIONS).double(), torch.diag(torch.linspace(0.2, 2, DIMENSIONS).double()))

REFERENCE = Reference.of(REAL)


def drawn(count: int, seed: int, shift: float, scale: float) -> tuple[Tensor, float]:
    """Samples of a Gaussian, and its true distance to REAL."""
    random = torch.Generator().manual_seed(seed)
    samples = torch.randn(count, DIMENSIONS, generator=random).double() * REAL.covariance.diagonal().sqrt()
    true = frechet_distance(REAL, Moments(REAL.mean + shift, REAL.covariance * scale**2))
    return samples * scale + shift, true


@pytest.mark.parametrize("count", [128, 1024])
@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.3, 1.0), (0.1, 0.7)])
def test_it_has_a_tenth_of_the_bias_of_the_plain_distance(count: int, shift: float, scale: float) -> None:
    errors, plain_errors = [], []
    for seed in range(20):
        samples, true = drawn(count, seed, shift, scale)
        infinite = frechet_infinity(REFERENCE, samples)
        assert infinite is not None
        errors.append(infinite - true)
        plain_errors.append(frechet_distance(REAL, moments(samples)) - true)
    bias, plain_bias = torch.tensor(errors), torch.tensor(plain_errors).mean()
    assert plain_bias > 0
    assert abs(bias.mean()) < 0.1 * plain_bias + 3 * bias.std() / 20**0.5


def test_too_few_samples_have_no_value() -> None:
    samples, _ = drawn(4 * DIMENSIONS, 0, 0.0, 1.0)
    assert frechet_infinity(REFERENCE, samples) is not None
    assert frechet_infinity(REFERENCE, samples[:-1]) is None


def test_it_is_the_same_each_time_and_leaves_the_random_state_alone() -> None:
    samples, _ = drawn(300, 0, 0.1, 1.0)
    before = torch.get_rng_state()
    assert frechet_infinity(REFERENCE, samples) == frechet_infinity(REFERENCE, samples)
    assert torch.equal(torch.get_rng_state(), before)


def test_each_part_has_its_share_of_every_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """As all samples have. Parts with other shares of the classes would be farther away."""
    classes = torch.arange(400) % 10
    features = torch.cat([torch.randn(400, 1), classes[:, None].float()], dim=1)
    real, shares = moments(features), []

    def noted(part: Tensor) -> Moments:
        shares.append(part[:, 1].long().bincount(minlength=10).tolist())
        return moments(part)

    monkeypatch.setattr(module, "moments", noted)
    frechet_infinity(Reference.of(real), features, classes)
    assert len(shares) == 1 + 2 + 3 + 4
    assert all(max(counts) - min(counts) <= 1 for counts in shares)
