"""Every penalty against the slope of a critic that is known, and at the points where its paper wants it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.objective import gradient_penalties
from gan_core.training.trainer import Trainer

Critic = Callable[[Tensor], Tensor]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def linear(length: float) -> Critic:
    """A critic of the same slope, `length`, at every image [1, 4, 4]."""
    weights = draw(1, 4, 4)
    weights *= length / weights.norm()
    return lambda x: (x * weights).flatten(1).sum(dim=1)


def cubic(images: Tensor) -> Tensor:
    """A critic whose gradient, x^2, is different at every image."""
    return (images**3 / 3).flatten(1).sum(dim=1)


@pytest.mark.parametrize("length", [0.25, 1.0, 3.0])
def test_penalties_of_a_linear_critic_are_those_of_its_one_slope(length: float) -> None:
    at = draw(3, 1, 4, 4, seed=1)
    penalties = (
        gradient_penalties.gradient_penalty(linear(length), at),
        gradient_penalties.gradient_penalty(linear(length), at, one_sided=True),
        gradient_penalties.r1(linear(length), at),
    )
    expected = ((length - 1) ** 2, max(0, length - 1) ** 2, length**2 / 2)
    assert [penalty.item() for penalty in penalties] == pytest.approx(expected, abs=1e-12)


def test_penalties_are_means_over_the_examples_of_their_own_slopes() -> None:
    at = 0.7 * draw(4, 2, 3, 3, seed=1)
    slopes = [(x**2).norm().item() for x in at]
    assert min(slopes) < max(slopes) / 1.2
    two_sided = sum((slope - 1) ** 2 for slope in slopes) / 4
    assert gradient_penalties.gradient_penalty(cubic, at).item() == pytest.approx(two_sided)
    assert gradient_penalties.r1(cubic, at).item() == pytest.approx(sum(slope**2 for slope in slopes) / 4 / 2)


def test_one_sided_penalty_counts_only_the_examples_steeper_than_one() -> None:
    at = torch.tensor([0.5, 2.0]).double().view(2, 1, 1, 1)  # slopes 0.25 and 4
    assert gradient_penalties.gradient_penalty(cubic, at, one_sided=True).item() == pytest.approx((4 - 1) ** 2 / 2)


def test_slope_is_that_of_finite_differences() -> None:
    weights, mix, at = draw(9, 5), draw(5, seed=1), draw(1, 1, 3, 3, seed=2)

    def critic(x: Tensor) -> Tensor:
        return torch.tanh(x.flatten(1) @ weights) @ mix

    h, steps = 1e-5, torch.eye(9, dtype=torch.float64).view(9, 1, 3, 3)
    slope = ((critic(at + h * steps) - critic(at - h * steps)) / (2 * h)).norm().item()
    assert gradient_penalties.gradient_penalty(critic, at).item() == pytest.approx((slope - 1) ** 2, rel=1e-6)
    assert gradient_penalties.r1(critic, at).item() == pytest.approx(slope**2 / 2, rel=1e-6)


@pytest.mark.parametrize(
    "penalty",
    [
        gradient_penalties.gradient_penalty,
        lambda critic, at: gradient_penalties.gradient_penalty(critic, at, one_sided=True),
        gradient_penalties.r1,
    ],
)
def test_gradient_of_a_penalty_with_respect_to_the_weights_is_that_of_finite_differences(
    penalty: Callable[[Critic, Tensor], Tensor],
) -> None:
    at = draw(3, 1, 3, 3, seed=1)

    def of_weights(first: Tensor, second: Tensor) -> Tensor:
        return penalty(lambda x: torch.tanh(x.flatten(1) @ first) @ second, at)

    weights = draw(9, 5, seed=3).requires_grad_(), draw(5, seed=4).requires_grad_()
    assert of_weights(*weights).item() > 0.1
    assert torch.autograd.gradcheck(of_weights, weights)


def test_penalty_of_a_flat_critic_is_one_and_its_gradient_finite() -> None:
    weights = torch.zeros(9, requires_grad=True)
    penalty = gradient_penalties.gradient_penalty(lambda x: x.flatten(1) @ weights, torch.randn(2, 1, 3, 3))
    penalty.backward()
    assert penalty.item() == 1
    assert weights.grad is not None and bool(torch.isfinite(weights.grad).all())


def test_points_of_a_penalty_are_left_as_they_were() -> None:
    real, generated = draw(2, 1, 4, 4), draw(2, 1, 4, 4, seed=1).requires_grad_()
    before = real.clone()
    for penalty in (gradient_penalties.gradient_penalty(linear(2), real), gradient_penalties.r1(linear(2), generated)):
        assert not penalty.requires_grad  # nothing but the weights, and this critic has none to train
    assert torch.equal(real, before) and not real.requires_grad and generated.grad is None


def test_each_example_is_mixed_by_its_own_epsilon() -> None:
    real, fake = draw(4, 1, 3, 3, seed=1), draw(4, 1, 3, 3, seed=2)
    epsilon = torch.tensor([0.1, 0.4, 0.6, 1.0]).double().view(4, 1, 1, 1)
    points = gradient_penalties.interpolates(real, fake, epsilon)
    for i, mix in enumerate((0.1, 0.4, 0.6, 1.0)):
        torch.testing.assert_close(points[i], mix * real[i] + (1 - mix) * fake[i])
    shared = gradient_penalties.interpolates(real, fake, epsilon[1:2])
    torch.testing.assert_close(shared, 0.4 * real + 0.6 * fake)


def test_trainer_draws_one_epsilon_an_example(
    small: Callable[..., TrialConfig], few: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Tensor] = []
    real_interpolates = gradient_penalties.interpolates

    def spy(real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
        used.append(epsilon)
        return real_interpolates(real, fake, epsilon)

    monkeypatch.setattr(gradient_penalties, "interpolates", spy)
    Trainer(small({"model.family": "wgan_gp", "loss.n_critic": 2}), few).step()
    assert [tuple(epsilon.shape) for epsilon in used] == [(16, 1, 1, 1)] * 2
    assert len(torch.cat(used).unique()) == 32
    assert torch.cat(used).min() >= 0 and torch.cat(used).max() < 1


def dragan_share(real: Tensor, seed: int = 0) -> Tensor:
    """alpha * u of every pixel: how far the points are from the images, in halves of a standard deviation."""
    points = gradient_penalties.dragan_points(real, torch.Generator().manual_seed(seed))
    assert points.shape == real.shape
    return (points - real) / (0.5 * real.std(correction=0))


def test_dragan_points_are_brighter_by_less_than_half_a_standard_deviation_of_the_batch() -> None:
    share = dragan_share(3 * draw(512, 2, 8, 8) + 1)
    assert share.min() >= 0 and 0.99 < share.max() < 1
    assert share.mean().item() == pytest.approx(1 / 4, abs=0.02)  # of the product of two uniform numbers


def test_dragan_points_have_one_alpha_an_example_and_one_uniform_number_a_pixel() -> None:
    share = dragan_share(draw(512, 1, 16, 16)).flatten(1)
    alpha = share.amax(dim=1)  # the largest of 256 uniform numbers is nearly 1
    assert alpha.mean().item() == pytest.approx(1 / 2, abs=0.04)
    assert alpha.std().item() == pytest.approx(12**-0.5, abs=0.02)
    within = share / alpha[:, None]
    assert within.mean().item() == pytest.approx(1 / 2, abs=0.01)
    assert within.std(dim=1).mean().item() == pytest.approx(12**-0.5, abs=0.01)
    assert within.std(dim=0).mean().item() == pytest.approx(12**-0.5, abs=0.01)  # another in each example


def test_dragan_points_are_those_of_the_generator() -> None:
    real = draw(4, 1, 4, 4)
    assert torch.equal(dragan_share(real), dragan_share(real))
    assert not torch.equal(dragan_share(real), dragan_share(real, seed=1))
